//! The store of a gateway belongs to whom its events are for.

use crate::error::Error;
use crate::recipient::{Place, Recipient};
use rusqlite::{Connection, OptionalExtension as _};
use std::path::Path;

/// What version 7 has beyond version 6: where the events go, once that is known. There is one row at most.
pub(super) const TABLES: &str = "
CREATE TABLE recipient (id INTEGER PRIMARY KEY CHECK (id = 1), place TEXT NOT NULL, workspace TEXT);
";

/// Whom the events are for, if that is known.
pub(super) fn of(connection: &Connection) -> rusqlite::Result<Option<Recipient>> {
    // A store of an earlier version that is only read has no such table.
    if !connection.table_exists(None, "recipient")? {
        return Ok(None);
    }
    connection
        .query_row("SELECT place, workspace FROM recipient", [], |row| {
            let Ok(place) = row.get_ref("place")?.as_str()?.parse();
            Ok(Recipient {
                place,
                workspace: row.get("workspace")?,
            })
        })
        .optional()
}

/// Refuses a store whose events are for another place. One that is for nobody yet is for this one from now on.
pub(super) fn claim(connection: &Connection, path: &Path, place: &Place) -> Result<(), Error> {
    match of(connection)? {
        Some(found) if found.place == *place => Ok(()),
        Some(found) => Err(Error::ForAnother {
            path: path.to_owned(),
            recipient: found,
            given: Recipient::new(place.clone()),
        }),
        None => {
            connection.execute("INSERT INTO recipient VALUES (1, ?, NULL)", [place.as_str()])?;
            Ok(())
        }
    }
}

/// Notes which workspace it is, or refuses another than the one that is known.
pub(super) fn claim_workspace(connection: &Connection, path: &Path, workspace: &str) -> Result<(), Error> {
    let Some(found) = of(connection)? else { return Ok(()) };
    match &found.workspace {
        Some(known) if known == workspace => Ok(()),
        Some(_) => Err(Error::ForAnother {
            path: path.to_owned(),
            given: Recipient {
                place: found.place.clone(),
                workspace: Some(workspace.to_owned()),
            },
            recipient: found,
        }),
        None => {
            connection.execute("UPDATE recipient SET workspace = ?", [workspace])?;
            Ok(())
        }
    }
}

/// From now on the events are for whoever comes first. What was learnt of the contacts there is forgotten: they are others
/// elsewhere.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM recipient; DELETE FROM learnt; DELETE FROM intents; UPDATE undelivered SET superseded = '{}';",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Queue, Store, StoreSettings};

    fn for_place(place: Place) -> StoreSettings {
        let mut settings = StoreSettings::new();
        settings.place = Some(place);
        settings
    }

    #[tokio::test]
    async fn a_store_stays_with_the_workspace_that_it_is_for_until_it_is_reassigned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        // One of an earlier release is taken by the first who says where it delivers to.
        Store::open(&path, StoreSettings::new()).unwrap().close().await;
        assert_eq!(Queue::open(&path).unwrap().recipient().unwrap(), None);
        Store::open(&path, for_place(Place::Intercom)).unwrap().close().await;
        for other in [Place::Sandbox, Place::Url("http://127.0.0.1:1".to_owned())] {
            let refused = Store::open(&path, for_place(other)).unwrap_err();
            assert!(matches!(refused, Error::ForAnother { .. }), "{refused}");
        }
        let store = Store::open(&path, for_place(Place::Intercom)).unwrap();
        store.claim_workspace("one").unwrap();
        store.claim_workspace("one").unwrap();
        let refused = store.claim_workspace("two").unwrap_err().to_string();
        assert!(
            refused.contains("workspace one") && refused.contains("workspace two"),
            "{refused}"
        );
        let mut names = vec![path.clone()];
        #[cfg(unix)]
        {
            let link = folder.path().join("link.db");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            names.push(link);
        }
        for name in names {
            assert!(matches!(Queue::open(&name).unwrap().reassign(), Err(Error::InUse(_))));
        }
        store.close().await;
        let before = Queue::open(&path).unwrap().reassign().unwrap();
        assert_eq!(before.and_then(|before| before.workspace).as_deref(), Some("one"));
        Store::open(&path, for_place(Place::Sandbox)).unwrap().close().await;
    }

    #[tokio::test]
    async fn a_store_of_the_version_before_keeps_its_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let store = Store::open(&path, StoreSettings::new()).unwrap();
        let json = r#"{"type":"track","userId":"ann","event":"Seen"}"#.to_owned();
        let event = crate::CompleteEvent::new(json, crate::MessageKey::of("key", "a"));
        store.accept(vec![event]).await.unwrap();
        store.close().await;
        let before = crate::schema::open(&path).unwrap();
        before
            .execute_batch("DROP TABLE recipient; PRAGMA user_version = 6;")
            .unwrap();
        drop(before);
        assert_eq!(Queue::open(&path).unwrap().recipient().unwrap(), None);
        Store::open(&path, for_place(Place::Sandbox)).unwrap().close().await;
        let queue = Queue::open(&path).unwrap();
        assert_eq!(queue.traced(&crate::Wanted::all(), 9).unwrap().len(), 1);
        assert_eq!(queue.recipient().unwrap(), Some(Recipient::new(Place::Sandbox)));
    }
}
