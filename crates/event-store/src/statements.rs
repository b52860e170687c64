//! Statements that stay prepared.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension as _, Params, Result, Row};

/// Carries out statements, each of which is prepared once for a connection.
pub(super) trait Statements {
    /// Carries out what gives no rows.
    fn run(&self, sql: &str, params: impl Params) -> Result<()>;

    /// The row of a query that has one.
    fn row<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T>;

    /// The first row of a query, if there is one.
    fn first<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<Option<T>> {
        self.row(sql, params, read).optional()
    }

    /// The first column of the first row of a query, if there is one.
    fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        self.first(sql, params, |row| row.get(0))
    }

    /// All rows of a query.
    fn all<T, All: FromIterator<T>>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<All>;
}

impl Statements for Connection {
    fn run(&self, sql: &str, params: impl Params) -> Result<()> {
        self.prepare_cached(sql)?.execute(params).map(drop)
    }

    fn row<T>(&self, sql: &str, params: impl Params, read: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.prepare_cached(sql)?.query_row(params, read)
    }

    fn all<T, All: FromIterator<T>>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<All> {
        self.prepare_cached(sql)?.query_map(params, read)?.collect()
    }
}
