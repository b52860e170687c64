//! What a seed decides.

use super::workload::{Habits, Happening, day};
use fastrand::Rng;
use intercom_delivery::{ArchivedPolicy, AttributePolicy, EngineSettings, SkipUnchanged, UnknownContactPolicy};
use intercom_sandbox::{DuplicateEmail, RateLimit, Settings};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// When it all begins, in Unix milliseconds.
pub(super) const START: u64 = 1_700_000_003_217;

/// The policies of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policies {
    pub(super) attributes: AttributePolicy,
    pub(super) unknown_contact: UnknownContactPolicy,
    pub(super) archived: ArchivedPolicy,
}

/// How often, of a thousand calls, something goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Answered 500, 503 or 408, without effect.
    pub(super) errors: u32,
    /// Answered 500, after it took effect.
    pub(super) errors_after_effect: u32,
    /// Never arrived.
    pub(super) lost_calls: u32,
    /// Took effect, and the response was lost.
    pub(super) lost_responses: u32,
    /// Arrived twice.
    pub(super) repeated: u32,
    /// Answered after a long time, or too late.
    pub(super) slow: u32,
    /// Answered 200 by a proxy.
    pub(super) pages: u32,
}

impl Faults {
    /// Those that no call takes effect in. Intercom takes a second lead for another person, so that what is tried twice may
    /// be there twice.
    fn without_effect(self) -> Self {
        Self {
            errors: self.errors,
            lost_calls: self.lost_calls,
            pages: self.pages,
            ..Self::default()
        }
    }
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `kill -9`: nothing that is not written is written.
    Kill,
    /// Ctrl-C.
    Stop,
    /// Ctrl-C twice.
    Abort,
}

/// What somebody else does in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interference {
    Archive,
    Delete,
    Merge,
    RemoveCompany,
}

/// What a seed decides.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(super) seed: u64,
    pub(super) happenings: Vec<Happening>,
    /// Whether what one person does may matter to another.
    pub(super) are_entangled: bool,
    /// When each event comes in, in milliseconds from the start; all at once if empty.
    pub(super) arrivals: Vec<u64>,
    pub(super) policies: Policies,
    pub(super) settings: EngineSettings,
    pub(super) sandbox: Settings,
    pub(super) faults: Faults,
    /// Times at which nearly everything is answered 429: begin and end, in milliseconds from the start.
    pub(super) storms: Vec<(u64, u64)>,
    /// Times at which Intercom cannot be reached.
    pub(super) outages: Vec<(u64, u64)>,
    /// When the program ends, and how, in milliseconds from the start.
    pub(super) ends: Vec<(u64, End)>,
    /// When the token is revoked.
    pub(super) revoked: Option<u64>,
    pub(super) interference: Vec<(u64, Interference)>,
    /// How far Intercom's clock is ahead, in milliseconds.
    pub(super) skew: i64,
    /// The longest way there, in milliseconds.
    pub(super) latency: u64,
    /// How long an outcome takes to be on disk, at most, in milliseconds.
    pub(super) sync: u64,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        let random = &mut Rng::with_seed(seed ^ 0x5eed_0f5c_e9a2_1005);
        let one_in = |random: &mut Rng, n: u32| random.u32(..n) == 0;
        let count = random.usize(8..70);
        let span = 1 + u64::try_from(count).unwrap_or(0) * random.u64(20..400);
        let ends = ends(random, span);
        let revoked = one_in(random, 8).then(|| random.u64(..span));
        let is_interrupted = !ends.is_empty() || revoked.is_some();
        let is_forgetful = one_in(random, 6);
        let is_interfered_with = one_in(random, 4);
        let loose = !is_forgetful && random.bool();
        let duplicate_email = duplicate_email(random, loose && is_interrupted);
        let handed_down = !is_forgetful && !is_interrupted && !is_interfered_with && random.bool();
        // Whoever is named by an email that two have may be either; and whose email is forgotten, whoever has it by then.
        let may_be_two = duplicate_email == DuplicateEmail::Allow && (handed_down || loose);
        let habits = Habits {
            fragile: !is_interrupted && random.bool(),
            early: random.bool(),
            loose,
            phones: random.bool(),
            // An event that names its contact by email may find nobody when it is delivered again.
            moves: !(is_interrupted && loose),
            records: !is_forgetful && !may_be_two,
            handed_down,
            shared: random.u8(..3) == 0,
            leads: loose && !is_interrupted && random.bool(),
        };
        let people = random.usize(1..8);
        let happenings = day(random, people, count, habits);
        let arrivals = match random.u8(..3) {
            0 => Vec::new(),
            _ => {
                let mut arrivals: Vec<u64> = happenings.iter().map(|_| random.u64(..span)).collect();
                arrivals.sort_unstable();
                arrivals
            }
        };
        // An update that fails leaves its contact out, and what comes after it depends on that.
        let attributes = if is_interrupted {
            [AttributePolicy::Create, AttributePolicy::Drop][random.usize(..2)]
        } else {
            [AttributePolicy::Fail, AttributePolicy::Drop, AttributePolicy::Create][random.usize(..3)]
        };
        let policies = Policies {
            attributes,
            // What comes too early waits, or is left out.
            unknown_contact: match habits.early || random.bool() {
                true => UnknownContactPolicy::Fail,
                false => UnknownContactPolicy::Create,
            },
            archived: [ArchivedPolicy::Restore, ArchivedPolicy::Fail][random.usize(..2)],
        };
        let interference = if is_interfered_with {
            let kinds = [
                Interference::Archive,
                Interference::Delete,
                Interference::Merge,
                Interference::RemoveCompany,
            ];
            (0..random.usize(1..4))
                .map(|_| (random.u64(..span), kinds[random.usize(..kinds.len())]))
                .collect()
        } else {
            Vec::new()
        };
        let mut scenario = Self {
            seed,
            are_entangled: habits.handed_down,
            happenings,
            arrivals,
            policies,
            settings: engine(seed, random, policies, is_forgetful).with_await_contacts(habits.early),
            sandbox: sandbox(random, is_forgetful).with_duplicate_email(duplicate_email),
            faults: Faults::default(),
            storms: Vec::new(),
            outages: outage(random, span).into_iter().collect(),
            ends,
            revoked,
            interference,
            skew: if one_in(random, 3) {
                random.i64(-5_000..5_000)
            } else {
                0
            },
            latency: [5, 100, 1_000][random.usize(..3)],
            sync: [0, 20, 500][random.usize(..3)],
        };
        if one_in(random, 6) {
            // So that faults outlast all attempts.
            let number = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
            scenario.settings.max_attempts = number(random.u32(1..4));
            scenario.settings.max_throttled = number(random.u32(1..4));
        }
        if random.u8(..10) < 7 {
            // Some kinds of faults, up to a fifth of all calls.
            let mut rate = |most: u32| if random.bool() { random.u32(..most) } else { 0 };
            scenario.faults = Faults {
                errors: rate(60),
                errors_after_effect: rate(30),
                lost_calls: rate(40),
                lost_responses: rate(40),
                repeated: rate(30),
                slow: rate(20),
                pages: rate(20),
            };
            if habits.leads || (loose && duplicate_email == DuplicateEmail::Allow) {
                scenario.faults = scenario.faults.without_effect();
            }
            if one_in(random, 5) {
                let begin = random.u64(..span);
                scenario.storms.push((begin, begin + random.u64(1_000..20_000)));
            }
        }
        // Where any attribute is taken, a list says little.
        scenario.settings.list_attributes = !scenario.sandbox.accept_any_attribute && random.bool();
        scenario
    }
}

fn engine(seed: u64, random: &mut Rng, policies: Policies, is_forgetful: bool) -> EngineSettings {
    let number = |number: usize| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
    let mut settings = EngineSettings::new();
    settings.concurrency = number(random.usize(1..20));
    settings.queue = number([4, 16, 4096][random.usize(..3)]);
    settings.backoff_base = Duration::from_millis(random.u64(1..1_000));
    settings.backoff_cap = Duration::from_secs(10);
    settings.attributes = policies.attributes;
    settings.unknown_contact = policies.unknown_contact;
    settings.archived = policies.archived;
    settings.savings.remember_contacts = random.u8(..4) > 0;
    settings.savings.skip_unchanged = match random.u8(..4) {
        0 => SkipUnchanged::Off,
        1 => SkipUnchanged::Seen,
        _ => SkipUnchanged::Sent,
    };
    settings.savings.merge_identifies = random.u8(..4) > 0;
    settings.savings.batch_lookups = random.u8(..4) > 0;
    if seed.is_multiple_of(3) {
        settings.search_patience = Duration::from_millis(250);
    }
    if is_forgetful {
        settings.remembered = number(random.usize(1..4));
    }
    settings
}

/// When the program ends, in some scenarios.
fn ends(random: &mut Rng, span: u64) -> Vec<(u64, End)> {
    if random.u32(..3) > 0 {
        return Vec::new();
    }
    let kinds = [End::Kill, End::Kill, End::Kill, End::Stop, End::Abort];
    let mut ends: Vec<(u64, End)> = (0..random.usize(1..5))
        .map(|_| (random.u64(..span), kinds[random.usize(..kinds.len())]))
        .collect();
    ends.sort_unstable_by_key(|(at, _)| *at);
    ends
}

/// A time at which Intercom cannot be reached, in some scenarios.
fn outage(random: &mut Rng, span: u64) -> Option<(u64, u64)> {
    (random.u8(..8) == 0).then(|| {
        let begin = random.u64(..span);
        (begin, begin + random.u64(1_000..600_000))
    })
}

/// Whether several users may have one email. A user without an id who is created twice is there twice then, so nobody like
/// that may be created again.
fn duplicate_email(random: &mut Rng, is_created_again: bool) -> DuplicateEmail {
    match random.bool() && !is_created_again {
        true => DuplicateEmail::Allow,
        false => DuplicateEmail::Conflict,
    }
}

fn sandbox(random: &mut Rng, is_forgetful: bool) -> Settings {
    let mut settings = Settings::default().with_seed(random.u64(..));
    // Who has been forgotten cannot be found before the index has caught up: not by anybody.
    if random.bool() && !is_forgetful {
        // Some of what happens in the meantime can be found by the end, or nothing.
        let most = [1_000, 10_000, 120_000][random.usize(..3)];
        settings = settings.with_search_lag(Duration::from_millis(random.u64(100..most)));
        // Whether Intercom's searches show what they match is not known.
        settings = settings.with_stale_hits(random.u8(..4) > 0);
    }
    if random.u8(..3) == 0 {
        settings = settings.with_any_attribute(false);
    }
    if random.u8(..3) == 0 {
        let limit = RateLimit::new(random.u64(20..120), Duration::from_secs(10));
        settings = settings.with_rate_limit(if random.bool() {
            limit
        } else {
            limit.without_retry_after()
        });
    }
    settings
}
