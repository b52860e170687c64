//! What facts mean.

use super::report::Check;
use crate::exit::Exit;
use crate::text::{counted, thousands};
use intercom_api::{Admin, DataAttribute, RateLimit, Region, UnixSeconds, limits};
use std::path::Path;

/// From this share of a limit on, there is a warning.
const NEARLY: f64 = 0.9;
/// So many seconds the clocks may differ, for a response takes some, too.
const CLOSE: i64 = 30;
/// So many seconds apart, events have wrong times, and certificates seem invalid.
const APART: i64 = 300;

/// How this machine's clock compares with Intercom's.
pub(crate) fn clock(theirs: Option<UnixSeconds>, ours: UnixSeconds) -> Check {
    let Some(theirs) = theirs else {
        return Check::warning(
            "clock",
            "the response does not tell the time, so it is not known whether this clock is right",
        );
    };
    let apart = ours.0 - theirs.0;
    let side = if apart < 0 { "behind" } else { "ahead of" };
    let detail = format!("{} {side} Intercom's", counted(apart.unsigned_abs(), "second"));
    let mend = "set the clock: sudo timedatectl set-ntp true";
    match apart.abs() {
        ..=CLOSE => Check::ok(
            "clock",
            if apart == 0 {
                "the same as Intercom's".to_owned()
            } else {
                detail
            },
        ),
        apart if apart <= APART => Check::warning("clock", detail).mend(mend),
        _ => Check::fault("clock", detail).mend(mend),
    }
}

/// Whose the token is, and of which workspace, by the host that has accepted it.
pub(crate) fn names(admin: &Admin, asked: Region, is_intercom: bool) -> Check {
    let app = admin.app.as_ref();
    let workspace = app.and_then(|app| app.name.as_deref().or(app.id_code.as_deref()));
    let id = app.and_then(|app| app.id_code.as_deref()).unwrap_or("unknown");
    let region = app.and_then(|app| app.region.as_deref());
    let detail = format!(
        "teammate {} of workspace {} (id {id}, {})",
        admin.id.as_str(),
        workspace.unwrap_or("without a name"),
        region.map_or_else(|| "region not told".to_owned(), |region| format!("region {region}"))
    );
    match region.and_then(|region| region.parse::<Region>().ok()) {
        Some(told) if is_intercom && told != asked => {
            Check::warning("token", format!("{detail}; calls go to {asked}")).mend(format!("--region {told}"))
        }
        _ => Check::ok("token", detail),
    }
}

/// A token that the region's host does not accept, and perhaps that of another.
pub(crate) fn elsewhere(asked: Region, accepted: Option<Region>, host: &str, file: Option<&Path>) -> Check {
    let check = match accepted {
        Some(region) => Check::fault(
            "token",
            format!("{asked} does not accept it, and {region} does: it is of a workspace in {region}"),
        )
        .mend(format!("give --region {region}; for serve, set region = \"{region}\"")),
        None => Check::fault("token", format!("{host} does not accept it")).mend(another_token(file)),
    };
    check.exit(Exit::Unauthorized)
}

/// Where a token comes from, and where it is to be put.
pub(crate) fn another_token(file: Option<&Path>) -> String {
    let put = match file {
        Some(file) => format!("put it into {}", file.display()),
        None => "export INTERCOM_ACCESS_TOKEN=…, or give --token-file FILE".to_owned(),
    };
    format!("take an access token from Intercom's Developer Hub (your app > Configure > Authentication), and {put}")
}

/// How many custom attributes there can still be.
pub(crate) fn attributes(all: &[DataAttribute]) -> Check {
    let in_use = all
        .iter()
        .filter(|one| one.custom == Some(true) && one.archived != Some(true))
        .count();
    let most = limits::CUSTOM_ATTRIBUTES;
    let detail = format!(
        "{} of {} custom attributes in use",
        thousands(in_use as u64),
        thousands(most as u64)
    );
    let mend = "archive those that nobody needs, in Intercom under Settings > Data";
    match in_use {
        _ if in_use >= most => Check::fault("attributes", detail).mend(mend),
        _ if in_use as f64 >= most as f64 * NEARLY => Check::warning("attributes", detail).mend(mend),
        _ => Check::ok("attributes", detail),
    }
}

/// What nobody can ask.
pub(crate) fn event_names() -> Check {
    let most = limits::ACTIVE_EVENT_NAMES;
    let detail = format!("at most {most} can be active; Intercom does not tell how many are");
    Check::ok("event names", detail).mend("those of a file: rudder-intercom check FILE")
}

/// Whether the token may look for contacts.
pub(crate) fn reads(status: Option<u16>) -> Check {
    match status {
        None => Check::ok("contacts", "the token may search them; whether it may write is seen only by writing"),
        Some(403) => Check::fault("contacts", "the token may not search them").mend(
            "give the app the permissions to read and write users and companies, in Intercom's Developer Hub (Configure > \
             Authentication)",
        ),
        Some(status) => Check::fault("contacts", format!("a search is answered with {status}")).mend("try again later; see https://www.intercomstatus.com"),
    }
}

/// What the rate limit allows.
pub(crate) fn limit(limit: Option<RateLimit>) -> Check {
    let Some(limit) = limit else {
        return Check::ok("rate limit", "the responses do not tell of one");
    };
    let detail = format!(
        "{} of {} calls left in this window",
        thousands(limit.remaining.into()),
        thousands(limit.limit.into()),
    );
    match limit.remaining.saturating_mul(10) < limit.limit {
        true => Check::warning("rate limit", detail).mend("another app uses it up: send with --max-rate CALLS"),
        false => Check::ok("rate limit", detail),
    }
}

/// What it means that there are too many calls.
pub(crate) fn used_up(limit: Option<RateLimit>) -> Check {
    let left = limit.map_or_else(String::new, |limit| {
        format!(
            ": {} of {} calls left",
            thousands(limit.remaining.into()),
            thousands(limit.limit.into())
        )
    });
    Check::fault("rate limit", format!("it is used up{left}; Intercom answers 429, and events wait")).mend(
        "see what else calls Intercom with this app or in this workspace, and make that slower: send with --max-rate CALLS; what a \
         gateway has waits, and goes on by itself",
    )
}

/// Calls that whoever is in between can read.
pub(crate) fn unencrypted(host: &str, is_this_machine: bool) -> Check {
    match is_this_machine {
        true => Check::ok("tls", format!("not used: {host} is on this machine")),
        false => {
            Check::warning("tls", format!("not used: the token goes to {host} as it is")).mend("give an https:// URL")
        }
    }
}

/// A file with a token, which others should not be able to read.
#[cfg(unix)]
pub(crate) fn token_file(path: &Path) -> Option<Check> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.metadata().ok()?.permissions().mode();
    (mode & 0o077 != 0).then(|| {
        Check::warning(
            "token file",
            format!("others on this machine can read or write {}", path.display()),
        )
        .mend(format!("chmod 600 {}", path.display()))
    })
}

#[cfg(not(unix))]
pub(crate) fn token_file(_: &Path) -> Option<Check> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Status;

    #[test]
    fn clocks_that_are_apart_are_told_of() {
        for (theirs, status) in [
            (0, Status::Ok),
            (-30, Status::Ok),
            (31, Status::Warning),
            (-301, Status::Fault),
        ] {
            let check = clock(Some(UnixSeconds(1_000_000 + theirs)), UnixSeconds(1_000_000));
            assert_eq!(check.status, status, "{theirs}");
        }
        assert_eq!(clock(None, UnixSeconds(0)).status, Status::Warning);
        let behind = clock(Some(UnixSeconds(1_000)), UnixSeconds(0));
        assert_eq!(behind.detail, "1,000 seconds behind Intercom's");
    }

    #[test]
    fn attributes_that_are_archived_do_not_count() {
        let one = |archived| {
            let mut one = DataAttribute::new();
            (one.custom, one.archived) = (Some(true), Some(archived));
            one
        };
        for (used, status) in [(0, Status::Ok), (225, Status::Warning), (250, Status::Fault)] {
            let mut all = vec![one(true); 300];
            all.extend(vec![one(false); used]);
            assert_eq!(attributes(&all).status, status, "{used}");
        }
    }

    #[test]
    fn a_workspace_elsewhere_is_named() {
        let admin: Admin =
            serde_json::from_str(r#"{"id":"7","name":"Ann","app":{"id_code":"w1","name":"Acme","region":"EU"}}"#)
                .unwrap();
        let check = names(&admin, Region::Us, true);
        assert_eq!(
            (check.status, check.mend.as_deref()),
            (Status::Warning, Some("--region Europe"))
        );
        assert!(!check.detail.contains("Ann"), "{}", check.detail);
        assert_eq!(names(&admin, Region::Us, false).status, Status::Ok);
        assert_eq!(names(&admin, Region::Europe, true).status, Status::Ok);
        let check = elsewhere(Region::Europe, Some(Region::Us), "api.eu.intercom.io", None);
        assert_eq!(
            check.detail,
            "Europe does not accept it, and US does: it is of a workspace in US"
        );
        assert_eq!(check.exit, Some(Exit::Unauthorized));
        let check = elsewhere(Region::Us, None, "api.intercom.io", Some(Path::new("mytok")));
        assert!(check.mend.is_some_and(|mend| mend.ends_with("put it into mytok")));
    }
}
