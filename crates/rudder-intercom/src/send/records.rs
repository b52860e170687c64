//! Where outcomes are recorded: the journal and the dead letters.

use super::abort::AbortRule;
use super::awaiting::{Awaiting, AwaitingError};
use super::dead_letters::{DeadLetters, dead_letter_id};
use super::under_way::UnderWay;
use intercom_delivery::journal::{DeadLetterId, Entry, Journal, JournalError};
use intercom_delivery::{FailureCode, FailureRecord, Intent, Subject, Submission, Undelivered};
use rudderstack_to_intercom::Plan;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// In place of the fingerprint of an event of which there is no dead letter.
const NO_DEAD_LETTER: u64 = 0;

/// Why the record of outcomes cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("the journal {} cannot be written", path.display())]
    Journal { path: PathBuf, source: JournalError },
    #[error("the dead letters {} cannot be written", path.display())]
    DeadLetters { path: PathBuf, source: io::Error },
    #[error("the temporary file of events that wait for their contact cannot be used")]
    Awaiting(#[source] AwaitingError),
}

pub(super) fn record_of(
    under_way: &UnderWay,
    record: FailureRecord,
    records: &mut Records,
) -> Result<Option<FailureRecord>, RecordError> {
    in_dead_letters(&mut records.dead_letters, |_| under_way.record(record))
}

/// A failure that is not recorded yet.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) entry: Entry<'static>,
    /// What goes to the dead letters, if there are any.
    pub(super) record: Option<FailureRecord>,
}

/// Where outcomes are recorded.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) journal: Option<Journal>,
    pub(super) dead_letters: Option<DeadLetters>,
    /// How long the dead letters are by the journal.
    recorded_length: Option<u64>,
    pub(super) rule: AbortRule,
    /// Why the delivery is aborted, if it is.
    pub(super) aborted: Option<FailureCode>,
    /// Failures that count as not sent, should the delivery be aborted.
    pub(super) held: Vec<Held>,
    /// What must not be undone by sending an event again that has failed.
    pub(super) undelivered: Undelivered,
    /// The dead letters of these events.
    pub(super) dead_letter_ids: BTreeMap<u64, DeadLetterId>,
    /// What waits for its contact.
    pub(super) awaiting: Awaiting,
    /// Whether all has been tried, so that nothing can be aborted any more.
    pub(super) is_over: bool,
}

impl Records {
    pub(super) fn new(
        journal: Option<Journal>,
        dead_letters: Option<DeadLetters>,
        rule: AbortRule,
    ) -> Result<Self, JournalError> {
        let (mut undelivered, mut dead_letter_ids) = (Undelivered::default(), BTreeMap::new());
        if let Some(journal) = &journal {
            journal.undelivered(|event, dead_letter, subject, superseded| {
                undelivered.add(event, subject, superseded);
                dead_letter_ids.insert(event, dead_letter);
            })?;
        }
        let mut records = Self {
            journal,
            dead_letters,
            recorded_length: None,
            rule,
            aborted: None,
            held: Vec::new(),
            undelivered,
            dead_letter_ids,
            awaiting: Awaiting::default(),
            is_over: false,
        };
        // From here on, what is written can be told from what was there.
        records.commit_journal()?;
        Ok(records)
    }

    /// An event has failed: what later ones write must not be undone by sending it again.
    pub(super) fn not_delivered(
        &mut self,
        event: u64,
        submission: &Submission,
        under_way: &UnderWay,
        record: Option<&FailureRecord>,
    ) -> Result<(), RecordError> {
        let subject = Subject::of(&submission.plan, &submission.identities);
        let is_known = self.undelivered.get(event).is_some();
        self.undelivered.add(event, subject, under_way.superseded.clone());
        // Of an earlier run there may be one.
        let earlier = || self.dead_letter_ids.get(&event).copied();
        let dead_letter = record.and_then(dead_letter_id).or_else(earlier);
        let dead_letter = dead_letter.unwrap_or(DeadLetterId {
            line: under_way.line,
            fingerprint: NO_DEAD_LETTER,
        });
        self.dead_letter_ids.insert(event, dead_letter);
        while self.dead_letter_ids.len() > Undelivered::KEPT {
            self.dead_letter_ids.pop_first();
        }
        self.keep(&[event])?;
        // Nothing is delivered any more that could supersede it, and its dead letter says what has by now.
        if self.is_over && !is_known {
            self.undelivered.remove(event);
            self.dead_letter_ids.remove(&event);
        }
        Ok(())
    }

    /// The link to a company waits for its contact: if it is made by the next run, or from the dead letters, it must not
    /// outlive a removal that comes with the contact.
    pub(super) fn waits(
        &mut self,
        event: u64,
        submission: &Submission,
        under_way: &UnderWay,
    ) -> Result<(), RecordError> {
        let comes_again = self.journal.is_some() || self.dead_letters.is_some();
        match &submission.plan {
            Plan::SaveCompany(_) if comes_again => self.not_delivered(event, submission, under_way, None),
            Plan::SaveCompany(_) | Plan::SubmitEvent(_) | Plan::SaveContact(_) | Plan::DeleteContact(_) => Ok(()),
        }
    }

    /// An event was delivered: takes note of what it has written, if that is later than one that has failed.
    ///
    /// It may have failed in a run that was killed once its dead letter was written, and before the journal knew: whoever
    /// sends that again must not undo what comes later.
    pub(super) fn written(&mut self, event: u64, submission: Option<&Submission>) -> Result<(), RecordError> {
        let may_be_a_dead_letter = self.dead_letters.is_some()
            && self
                .dead_letter_ids
                .get(&event)
                .is_some_and(|dead_letter| dead_letter.fingerprint != NO_DEAD_LETTER);
        if !may_be_a_dead_letter && self.undelivered.remove(event).is_some() {
            self.dead_letter_ids.remove(&event);
            in_journal(&mut self.journal, |journal| journal.forget_undelivered(event))?;
        }
        let Some(submission) = submission else { return Ok(()) };
        let changed = self
            .undelivered
            .delivered(event, &submission.plan, &submission.identities);
        self.keep(&changed)
    }

    pub(super) fn keep(&mut self, events: &[u64]) -> Result<(), RecordError> {
        let (ids, undelivered) = (&self.dead_letter_ids, &self.undelivered);
        in_journal(&mut self.journal, |journal| {
            for event in events {
                if let (Some(dead_letter), Some(known)) = (ids.get(event), undelivered.get(*event)) {
                    journal.keep_undelivered(*event, *dead_letter, known)?;
                }
            }
            Ok(())
        })
    }

    /// Adds to the dead letters what later events have written. Nothing is added to them any more.
    pub(super) fn amend(&mut self, all_is_done: bool) -> Result<(), RecordError> {
        if self.dead_letters.is_none() {
            return Ok(());
        }
        let known = self.undelivered.iter();
        let news = known.filter_map(|(event, superseded)| Some((*self.dead_letter_ids.get(&event)?, superseded)));
        let news = news.collect();
        in_dead_letters(&mut self.dead_letters, |dead_letters| {
            dead_letters.amend(&news)?;
            if all_is_done {
                dead_letters.all_is_recorded();
            }
            Ok(())
        })?;
        self.commit()
    }

    pub(super) fn count(&mut self, failure: Option<FailureCode>) {
        if self.is_over {
            return;
        }
        let reason = self.rule.count(failure);
        self.aborted = self.aborted.or(reason);
    }

    /// Keeps an event that is not done with: the next run sends it by the journal, or else by the dead letters.
    pub(super) fn keep_for_later(&mut self, event: &UnderWay, record: FailureRecord) -> Result<(), RecordError> {
        if self.journal.is_some() {
            return Ok(());
        }
        match record_of(event, record, self)? {
            Some(record) => self.bury(&record),
            None => Ok(()),
        }
    }

    /// Records failures that were held back, as soon as it is known whether the delivery goes on.
    ///
    /// Only with a journal can an event that was held back come again, and only while the delivery may be aborted.
    pub(super) fn settle_held(&mut self) -> Result<(), RecordError> {
        let may_be_aborted = !self.is_over && self.journal.is_some() && self.rule.is_open();
        if may_be_aborted && self.aborted.is_none() {
            return Ok(());
        }
        let aborted = self.aborted.map(FailureCode::as_str);
        for held in std::mem::take(&mut self.held) {
            let comes_again = self.journal.is_some() && aborted.is_some() && held.entry.code == aborted;
            if comes_again {
                continue;
            }
            if let Some(record) = held.record {
                self.bury(&record)?;
                self.record(&held.entry)?;
            }
        }
        match aborted {
            Some(code) => in_journal(&mut self.journal, |journal| journal.take_back(code)),
            None => Ok(()),
        }
    }

    /// Writes a dead letter.
    pub(super) fn bury(&mut self, record: &FailureRecord) -> Result<(), RecordError> {
        in_dead_letters(&mut self.dead_letters, |dead_letters| dead_letters.add(record))
    }

    pub(super) fn intend(&mut self, intent: &Intent) -> Result<(), RecordError> {
        in_journal(&mut self.journal, |journal| journal.intend(intent))
    }

    pub(super) fn record(&mut self, entry: &Entry<'_>) -> Result<(), RecordError> {
        in_journal(&mut self.journal, |journal| journal.record(entry))
    }

    /// The dead letters first: what the journal calls done must not be lost.
    pub(super) fn commit(&mut self) -> Result<(), RecordError> {
        in_dead_letters(&mut self.dead_letters, DeadLetters::sync)?;
        let committed = self.commit_journal();
        in_journal(&mut self.journal, |_| committed)
    }

    /// The journal knows with the same commit how long the dead letters are with which it was made.
    fn commit_journal(&mut self) -> Result<(), JournalError> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        if let Some(dead_letters) = &self.dead_letters
            && let Some(length) = dead_letters.recorded_length()
            && self.recorded_length != Some(length)
        {
            journal.set_dead_letters_length(dead_letters.real_path(), length)?;
            self.recorded_length = Some(length);
        }
        journal.commit()
    }
}

/// Does something with the journal, if there is one.
pub(super) fn in_journal(
    journal: &mut Option<Journal>,
    act: impl FnOnce(&mut Journal) -> Result<(), JournalError>,
) -> Result<(), RecordError> {
    let Some(journal) = journal else { return Ok(()) };
    act(journal).map_err(|source| RecordError::Journal {
        path: journal.path().to_owned(),
        source,
    })
}

/// Does something with the dead letters, if there are any.
fn in_dead_letters<T: Default>(
    dead_letters: &mut Option<DeadLetters>,
    act: impl FnOnce(&mut DeadLetters) -> io::Result<T>,
) -> Result<T, RecordError> {
    let Some(dead_letters) = dead_letters else {
        return Ok(T::default());
    };
    act(dead_letters).map_err(|source| RecordError::DeadLetters {
        path: dead_letters.path().to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::{ContactFields, UnixSeconds};
    use intercom_delivery::journal::Done;
    use intercom_delivery::{EventId, Superseded};
    use rudderstack_to_intercom::{Identities, Lookup, LookupField, SaveContact};
    use std::path::Path;

    fn identify(event: u64) -> Submission {
        let mut fields = ContactFields::new();
        fields.name = Some("x".to_owned());
        let plan = SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "ann"), fields);
        let mut ann = Identities::new();
        ann.user_id = Some("ann".to_owned());
        Submission::new(EventId(event), Plan::SaveContact(plan), ann)
    }

    fn failed(line: u64) -> (UnderWay, FailureRecord) {
        let under_way = UnderWay {
            kind: "identify",
            line,
            fingerprint: line,
            received_at: UnixSeconds(0),
            json: Some("{}".into()),
            superseded: Superseded::default(),
            has_waited: false,
            _room: None,
        };
        let record = under_way.record(FailureRecord::new(FailureCode::ServerError.as_str()));
        (under_way, record.unwrap().unwrap())
    }

    fn open(folder: &Path) -> Records {
        let journal = Journal::open(&folder.join("journal")).unwrap();
        let mut dead_letters = DeadLetters::open(&folder.join("dead letters")).unwrap();
        if let Some(length) = journal.dead_letters_length(dead_letters.real_path()).unwrap() {
            dead_letters.look_behind(length).unwrap();
        }
        Records::new(Some(journal), Some(dead_letters), AbortRule::new(95)).unwrap()
    }

    #[test]
    fn a_dead_letter_of_which_the_journal_does_not_know_undoes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = open(folder.path());
        let (under_way, record) = failed(1);
        records
            .not_delivered(1, &identify(1), &under_way, Some(&record))
            .unwrap();
        records.commit().unwrap();
        records.bury(&record).unwrap();
        records.dead_letters.as_mut().unwrap().sync().unwrap();
        // It is killed here. The next run sends the event again, waits for its contact or not, and is told that it is delivered.
        drop(records);
        let mut records = open(folder.path());
        records.not_delivered(1, &identify(1), &under_way, None).unwrap();
        records.written(1, Some(&identify(1))).unwrap();
        records.written(2, Some(&identify(2))).unwrap();
        records.commit().unwrap();
        records.amend(true).unwrap();
        let dead_letters = std::fs::read_to_string(folder.path().join("dead letters")).unwrap();
        let record: FailureRecord = serde_json::from_str(dead_letters.trim_end()).unwrap();
        assert!(record.superseded.is_some(), "the name is that of the second event");
    }

    #[test]
    fn a_dead_letter_of_which_the_journal_does_not_know_is_not_written_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut of_earlier_times = DeadLetters::open(&folder.path().join("dead letters")).unwrap();
        of_earlier_times.add(&failed(1).1).unwrap();
        of_earlier_times.sync().unwrap();
        drop(of_earlier_times);
        let lines = || {
            let text = std::fs::read_to_string(folder.path().join("dead letters")).unwrap();
            let records = text
                .lines()
                .map(|line| serde_json::from_str::<FailureRecord>(line).unwrap());
            records.filter_map(|record| record.line).collect::<Vec<_>>()
        };
        let mut records = open(folder.path());
        for line in 1..=3 {
            records.bury(&failed(line).1).unwrap();
        }
        records.dead_letters.as_mut().unwrap().sync().unwrap();
        assert_eq!(lines(), [1, 1, 2, 3], "what was there before is another delivery's");
        // It is killed here, while it writes the next, and again after one of the three.
        drop(records);
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(folder.path().join("dead letters"));
        std::io::Write::write_all(&mut file.unwrap(), b"{\"v\":1,\"line\":4,").unwrap();
        let mut records = open(folder.path());
        records.bury(&failed(1).1).unwrap();
        records.bury(&failed(4).1).unwrap();
        records.commit().unwrap();
        drop(records);
        let mut records = open(folder.path());
        for line in 2..=4 {
            records.bury(&failed(line).1).unwrap();
        }
        records.commit().unwrap();
        records.amend(true).unwrap();
        drop(records);
        assert_eq!(lines(), [1, 1, 2, 3, 4]);
        // All is known by now: should one of them be sent again and fail, it is a new one.
        let mut records = open(folder.path());
        records.bury(&failed(1).1).unwrap();
        records.commit().unwrap();
        assert_eq!(lines(), [1, 1, 2, 3, 4, 1]);
    }

    #[test]
    fn nothing_is_held_in_memory_once_all_has_been_tried() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = open(folder.path());
        let mut fail = |number: u64, is_over: bool| {
            records.is_over = is_over;
            let (under_way, record) = failed(number);
            records
                .not_delivered(number, &identify(number), &under_way, Some(&record))
                .unwrap();
            records.held.push(Held {
                entry: Entry {
                    event: number,
                    done: Done::Failed,
                    code: Some("server_error"),
                    calls: 1,
                    fingerprint: number,
                },
                record: Some(record),
            });
            records.settle_held().unwrap();
            (records.held.len(), records.undelivered.get(number).is_some())
        };
        // The delivery may be aborted yet; then what waited for its contact in vain comes to its end.
        assert_eq!(fail(1, false), (1, true));
        assert_eq!(fail(2, true), (0, false));
        assert_eq!(fail(3, true), (0, false));
        records.commit().unwrap();
        drop(records);
        // The next run knows of all of them.
        let records = open(folder.path());
        assert!((1..=3).all(|event| records.undelivered.get(event).is_some()));
    }

    #[test]
    fn what_was_delivered_after_it_had_waited_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = open(folder.path());
        let (under_way, _) = failed(1);
        records.not_delivered(1, &identify(1), &under_way, None).unwrap();
        records.written(1, Some(&identify(1))).unwrap();
        records.commit().unwrap();
        drop(records);
        assert!(open(folder.path()).undelivered.get(1).is_none());
    }
}
