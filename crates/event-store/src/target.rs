//! Where events of a transformer go.

use crate::statements::Statements as _;
use rusqlite::{Connection, Transaction, params};

/// What version 5 has beyond version 4.
///
/// - `targets`: the destinations of the events that have one. Those of a gateway have none: all go to the same workspace.
/// - `look_at`: when it is looked whether the contact that an event waits for has come, if it is.
pub(super) const TABLES: &str = "
CREATE TABLE targets (
    id INTEGER PRIMARY KEY, workspace TEXT NOT NULL, destination TEXT NOT NULL, settings TEXT NOT NULL,
    has_own_token INTEGER NOT NULL, UNIQUE (workspace, destination)
);
ALTER TABLE events ADD COLUMN target INTEGER;
ALTER TABLE dead_letters ADD COLUMN target INTEGER;
ALTER TABLE awaiting ADD COLUMN target INTEGER;
ALTER TABLE awaiting ADD COLUMN look_at INTEGER;
CREATE INDEX events_target ON events (target, seq) WHERE target IS NOT NULL;
CREATE INDEX awaiting_look ON awaiting (target, look_at) WHERE look_at IS NOT NULL;
";

/// A destination of RudderStack's, without its token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Target {
    /// RudderStack's id of the workspace.
    pub workspace: String,
    /// RudderStack's id of the destination.
    pub destination: String,
    /// Its settings, as JSON.
    pub settings: String,
    /// Whether its events are delivered with the token of the program itself.
    pub has_own_token: bool,
}

impl Target {
    /// The destination with this id, of this workspace, with default settings, and tokens that come with its events.
    pub fn new(workspace: impl Into<String>, destination: impl Into<String>) -> Self {
        Self {
            workspace: workspace.into(),
            destination: destination.into(),
            settings: "{}".to_owned(),
            has_own_token: false,
        }
    }
}

/// The number of a target in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(pub(super) i64);

/// The number of a target, which is written if it is new, or has changed.
pub(super) fn number(transaction: &Transaction<'_>, target: &Target) -> rusqlite::Result<TargetId> {
    let Target {
        workspace,
        destination,
        settings,
        has_own_token,
    } = target;
    let known: Option<(i64, bool)> = transaction.first(
        "SELECT id, settings IS ? AND has_own_token IS ? FROM targets WHERE workspace = ? AND destination = ?",
        params![settings, has_own_token, workspace, destination],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if let Some((id, true)) = known {
        return Ok(TargetId(id));
    }
    transaction.row("INSERT INTO targets (workspace, destination, settings, has_own_token) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET settings = excluded.settings, has_own_token = excluded.has_own_token RETURNING id", params![workspace, destination, settings, has_own_token], |row| {
            row.get(0).map(TargetId)
        })
}

/// All targets.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<(TargetId, Target)>> {
    connection.all("SELECT * FROM targets ORDER BY id", [], |row| {
        let target = Target {
            workspace: row.get("workspace")?,
            destination: row.get("destination")?,
            settings: row.get("settings")?,
            has_own_token: row.get("has_own_token")?,
        };
        Ok((TargetId(row.get("id")?), target))
    })
}
