//! The mistakes.

/// A mistake that somebody could make.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    /// What stands in the file, once.
    pub(super) old: &'static str,
    /// What would stand there.
    pub(super) new: &'static str,
    /// What would happen.
    pub(super) reason: &'static str,
    /// What notices it.
    pub(super) noticed: Noticed,
}

/// What notices a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noticed {
    /// The simulation.
    Simulation,
    /// The tests of `intercom-delivery`.
    Delivery,
    /// The tests of `event-store`.
    Store,
}

const fn fault(
    name: &'static str,
    noticed: Noticed,
    file: &'static str,
    (old, new): (&'static str, &'static str),
    reason: &'static str,
) -> Fault {
    Fault {
        name,
        file,
        old,
        new,
        reason,
        noticed,
    }
}

/// All of them.
pub(super) const FAULTS: &[Fault] = &[
    fault(
        "page_believed",
        Noticed::Simulation,
        "crates/intercom-delivery/src/response.rs",
        (
            "Ok(body) if !may_be_intercoms(body)",
            "Ok(body) if body.len() > 1_000_000 && !may_be_intercoms(body)",
        ),
        "a proxy's page passes for a success of Intercom",
    ),
    fault(
        "written_not_learnt",
        Noticed::Simulation,
        "crates/intercom-delivery/src/walk/responses.rs",
        (
            r#"        knowledge.learn(&Fact::Saved {
            id,
            is_new,
            fields,
            contact,
        });
"#,
            r#"        let _ = (is_new, contact, &knowledge);
"#,
        ),
        "a contact that was just created is searched for, and the search lags behind",
    ),
    fault(
        "written_at_once",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/known.rs",
        (
            "self.lock = lock.filter(|_| !matches!(permit, Permit::Unneeded));",
            "self.lock = lock.filter(|_| false);",
        ),
        "two calls write the same contact or company at one time",
    ),
    fault(
        "search_overrides",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/memory.rs",
        (
            r#"            known.who.is_written = true;
"#,
            r#"            let _ = &known.who.is_written;
"#,
        ),
        "what a search shows that lags behind overrides what was written",
    ),
    fault(
        "change_skipped",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/memory.rs",
        ("known.written.has(set))", "known.written.has(set) || set.len() < 4)"),
        "an update that changes something passes for one that changes nothing",
    ),
    fault(
        "newer_left_out",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/fields.rs",
        ("field.seq > seq", "field.seq < seq"),
        "newer values are left out rather than older ones",
    ),
    fault(
        "removal_merged_away",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/merge.rs",
        (
            r#"        && a.detach.is_empty()
        && b.detach.is_empty()
"#,
            "",
        ),
        "a removal from a company is lost when events are merged",
    ),
    fault(
        "other_contact_merged",
        Noticed::Delivery,
        "crates/intercom-delivery/src/engine/merge.rs",
        (
            r#"        && a.lookup == b.lookup
"#,
            "",
        ),
        "events that find their contact in different ways are merged",
    ),
    fault(
        "order_by_one_identity",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/queue.rs",
        (
            "let both = keys.firm().chain(keys.loose());",
            "let both = keys.firm().take(1);",
        ),
        "only one of the identities of an event orders it",
    ),
    fault(
        "joined_at_the_end",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/queue.rs",
        (
            "self.waiting.partition_point(|other| other.seq < entry.seq)",
            "self.waiting.len()",
        ),
        "two queues that become one are put one behind the other",
    ),
    fault(
        "retry_after_halved",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/limiter.rs",
        (
            "(Some(wait), _) => Some(now.after(wait.min(self.longest_wait))),",
            "(Some(wait), _) => Some(now.after(wait.min(self.longest_wait) / 2)),",
        ),
        "calls are made before the time that Retry-After names",
    ),
    fault(
        "limit_ignored",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/limiter.rs",
        (
            "window.remaining.saturating_sub(reserve).saturating_sub(uncounted)",
            "window.limit.saturating_sub(reserve).saturating_sub(uncounted)",
        ),
        "as many calls are made in a window as in a new one",
    ),
    fault(
        "in_flight_uncounted",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/limiter.rs",
        (
            "None => self.in_flight.range(window.reported_by..).count(),",
            "None => 0,",
        ),
        "calls in flight are not counted against the limit",
    ),
    fault(
        "link_left_out",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/known.rs",
        (
            "if is_newer || is_linked && skips {",
            "if is_newer || is_linked || skips {",
        ),
        "contacts are not linked to their companies",
    ),
    fault(
        "detach_left_out",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/known.rs",
        (
            r#"                self.memory.link_unsettled(contact, company);
                Permit::AsPlanned
            }
            Write::ListAttributes"#,
            r#"                self.memory.link_unsettled(contact, company);
                Permit::Unneeded
            }
            Write::ListAttributes"#,
        ),
        "contacts are not removed from companies",
    ),
    fault(
        "rejoin_left_out",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/memory.rs",
        (
            "self.links.insert(key, Link { is_there, seq, scope });",
            "self.links.insert(key, Link { is_there: is_there || true, seq, scope });",
        ),
        "who has left a company cannot join it again",
    ),
    fault(
        "tag_left_out",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/memory.rs",
        (
            "self.tags.get(&key).is_some_and(|scope| *scope == self.scope)",
            "self.tags.get(&key).is_none_or(|scope| *scope == self.scope)",
        ),
        "companies are not tagged",
    ),
    fault(
        "commit_lost",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/mod.rs",
        (
            r#"self.database.execute_batch("COMMIT")?;"#,
            r#"self.database.execute_batch("ROLLBACK")?;"#,
        ),
        "the journal keeps nothing",
    ),
    fault(
        "kept_before_commit",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/mod.rs",
        (
            r#"self.database.execute_batch("BEGIN")?;"#,
            r#"self.database.execute_batch("SELECT 1")?;"#,
        ),
        "the journal has what was never committed",
    ),
    fault(
        "delivered_shifted",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/mod.rs",
        (
            "0 => earlier.delivered.set(event),",
            "0 => earlier.delivered.set(event + 1),",
        ),
        "another event passes for delivered when a run goes on",
    ),
    fault(
        "failed_forgotten",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/mod.rs",
        ("_ => earlier.add(event, Done::Failed, code()?),", "_ => {}"),
        "what has failed for good is sent again when a run goes on",
    ),
    fault(
        "learnt_forgotten",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/learnt.rs",
        ("WHERE at >= ?1 ORDER BY seq", "WHERE at >= ?1 ORDER BY seq LIMIT 0"),
        "a run that goes on knows no contact, and the search lags behind",
    ),
    fault(
        "learnt_too_old",
        Noticed::Simulation,
        "crates/intercom-delivery/src/journal/learnt.rs",
        ("VALUES (?1, ?2)", "VALUES (?1 * 0, ?2)"),
        "what was learnt passes for too old at once",
    ),
    fault(
        "bits_mixed_up",
        Noticed::Delivery,
        "crates/intercom-delivery/src/journal/earlier.rs",
        ("word >> (number % 64) & 1", "word >> (number % 63) & 1"),
        "from the 64th on, another event passes for delivered",
    ),
    fault(
        "mark_unchecked",
        Noticed::Delivery,
        "crates/intercom-delivery/src/journal/earlier.rs",
        ("known != 0 && known != mark(fingerprint)", "known != 0 && known == 0"),
        "a journal is used with another input",
    ),
    fault(
        "superseded_written",
        Noticed::Delivery,
        "crates/intercom-delivery/src/superseded.rs",
        (
            r#"                self.fields.extend(names(&plan.update));
"#,
            "",
        ),
        "an older event that is sent again undoes a newer one",
    ),
    fault(
        "place_reversed",
        Noticed::Store,
        "crates/event-store/src/undelivered.rs",
        ("AND place < ?", "AND place > ?"),
        "a newer event passes for superseded by an older one",
    ),
    fault(
        "replay_lost_its_place",
        Noticed::Store,
        "crates/event-store/src/undelivered.rs",
        (
            "SET letter = NULL, seq = ? WHERE letter = ?",
            "SET letter = NULL, seq = 1 + ? WHERE letter = ?",
        ),
        "a dead letter that is replayed forgets what it must not undo",
    ),
    fault(
        "early_lost",
        Noticed::Simulation,
        "crates/intercom-delivery/src/engine/recall.rs",
        (
            "        keys.retain(|key| self.awaited.comes(*key));",
            "        keys.clear();",
        ),
        "what waits for its contact is not delivered when it comes",
    ),
    fault(
        "company_saved_late",
        Noticed::Delivery,
        "crates/intercom-delivery/src/engine/job.rs",
        (
            "if let Some(company) = &entry.saved_company {",
            "if let Some(company) = entry.saved_company.as_ref().filter(|_| false) {",
        ),
        "a company that was saved before its member came gets old fields again",
    ),
    fault(
        "link_outlives_removal",
        Noticed::Delivery,
        "crates/intercom-delivery/src/engine/recall.rs",
        ("        if has_left {", "        if has_left && false {"),
        "a link that has waited outlives the removal that came with the contact",
    ),
    fault(
        "early_goes_unseen",
        Noticed::Store,
        "crates/event-store/src/awaiting.rs",
        (
            "INSERT OR IGNORE INTO awaited_keys VALUES (?, ?)",
            "INSERT OR IGNORE INTO awaited_keys VALUES (-1 - ?, ?)",
        ),
        "what waits in the store is not found when its contact comes",
    ),
    fault(
        "full_search_waits",
        Noticed::Delivery,
        "crates/intercom-delivery/src/engine/people.rs",
        ("if now < until && jobs.len() < MOST_PEOPLE {", "if now < until {"),
        "a search that is full waits for more people",
    ),
    fault(
        "target_lost",
        Noticed::Store,
        "crates/event-store/src/managing.rs",
        (
            "totals.put_in(transaction, seq, at, body, chosen.target)?;",
            "totals.put_in(transaction, seq, at, body, None)?;",
        ),
        "a dead letter of a transformer forgets where it goes",
    ),
    fault(
        "looked_for_once",
        Noticed::Store,
        "crates/event-store/src/settings.rs",
        ("(age / last + 1).saturating_mul(last)", "i64::MAX"),
        "it is not looked any more for a contact after the first hour",
    ),
];
