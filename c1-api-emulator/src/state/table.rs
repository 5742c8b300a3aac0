//! A table of rows in order of creation, with lookup by key and pagination.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_spec::model::Description;
use serde_json::Value;

use super::call::Call;
use super::lag::Lag;
use super::messages;
use super::row::Row;
use super::rules;
use crate::status::Status;

type Key = Arc<[String]>;

pub(super) struct Table {
    /// The name of the rows' message, for errors.
    kind: String,
    positions: BTreeMap<Key, u64>,
    rows: BTreeMap<u64, (Key, Row)>,
    /// The positions of the rows by the values that no two rows share.
    names: BTreeMap<Vec<String>, u64>,
    next: u64,
    pub(super) lag: Lag,
}

fn key<S: AsRef<str>>(parts: &[S]) -> Key {
    parts.iter().map(|part| part.as_ref().to_owned()).collect()
}

/// The key as in an error.
fn joined<S: AsRef<str>>(parts: &[S]) -> String {
    let parts: Vec<_> = parts.iter().map(AsRef::as_ref).collect();
    parts.join("/")
}

impl Table {
    pub(super) fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            positions: BTreeMap::new(),
            rows: BTreeMap::new(),
            names: BTreeMap::new(),
            next: 1,
            lag: Lag::default(),
        }
    }

    /// The rows in this order, to be paged. Their keys do not count.
    pub(super) fn of(kind: &str, rows: impl IntoIterator<Item = Row>) -> Self {
        let mut table = Self::new(kind);
        for row in rows {
            table.rows.insert(table.next, (key::<&str>(&[]), row));
            table.next += 1;
        }
        table
    }

    /// Adds a row; 409 if the key or a name exists.
    pub(super) fn insert<S: AsRef<str>>(&mut self, parts: &[S], row: Row) -> Result<(), Status> {
        if self.positions.contains_key(&key(parts)) {
            return Err(Status::already_exists(&self.kind, &joined(parts)));
        }
        self.put(parts, row)
    }

    /// The row with the key; 404 if there is none.
    pub(super) fn get<S: AsRef<str>>(&self, parts: &[S]) -> Result<&Row, Status> {
        let position = self.positions.get(&key(parts));
        let row = position.and_then(|position| self.rows.get(position));
        row.map(|(_, row)| row)
            .ok_or_else(|| Status::not_found(&self.kind, &joined(parts)))
    }

    /// Replaces the row with the key, or adds it; 409 with the id of another row that has the same name.
    pub(super) fn put<S: AsRef<str>>(&mut self, parts: &[S], row: Row) -> Result<(), Status> {
        let key = key(parts);
        let position = self.positions.get(&key).copied().unwrap_or(self.next);
        let names: Vec<_> = names(&self.kind, &row).collect();
        for name in &names {
            let taken = self.names.get(name).filter(|taken| **taken != position);
            if let Some((_, other)) = taken.and_then(|taken| self.rows.get(taken)) {
                return Err(Status::already_exists(&self.kind, other.text("id")));
            }
        }
        self.next += u64::from(position == self.next);
        if self.take(position).is_none() {
            self.lag.keep(position, None);
        }
        self.names
            .extend(names.into_iter().map(|name| (name, position)));
        self.positions.insert(Arc::clone(&key), position);
        self.rows.insert(position, (key, row));
        Ok(())
    }

    /// Removes the row at the position.
    fn take(&mut self, position: u64) -> Option<Row> {
        let (key, row) = self.rows.remove(&position)?;
        self.positions.remove(&key);
        for name in names(&self.kind, &row) {
            self.names.remove(&name);
        }
        self.lag.keep(position, Some(&row));
        Some(row)
    }

    /// The rows after the position as lists show them, in order of creation.
    pub(super) fn listed(&self, now: SystemTime, after: u64) -> impl Iterator<Item = (u64, &Row)> {
        let rows = self.rows.range((Bound::Excluded(after), Bound::Unbounded));
        let rows = rows.map(|(position, (_, row))| (*position, row));
        self.lag.merge(now, after, rows)
    }

    /// The rows in order of creation.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values().map(|(_, row)| row)
    }

    /// The first row that matches.
    pub(super) fn find(&self, matches: impl Fn(&Row) -> bool) -> Option<&Row> {
        self.rows().find(|row| matches(row))
    }

    /// A number that no row has had.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// Removes the row with the key, if there is one.
    pub(super) fn remove<S: AsRef<str>>(&mut self, parts: &[S]) {
        if let Some(position) = self.positions.get(&key(parts)) {
            self.take(*position);
        }
    }

    /// Removes the rows that match, and returns them.
    pub(super) fn extract(&mut self, matches: impl Fn(&Row) -> bool) -> Vec<Row> {
        let matching = self.rows.iter().filter(|(_, (_, row))| matches(row));
        let positions: Vec<_> = matching.map(|(position, _)| *position).collect();
        let removed = positions
            .into_iter()
            .filter_map(|position| self.take(position));
        removed.collect()
    }

    /// The page that the call requests, of the rows for which `keep` is true, and the token of the next
    /// page.
    ///
    /// Page sizes are those of the API: 0 means 25, less than 10 means 10, more than 100 means 100. An
    /// operation that takes no token returns all rows. A token identifies the last row of its page, so changes in between do not shift later pages.
    pub(super) fn page(
        &self,
        description: &Description,
        call: &Call<'_>,
        keep: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<&Row>, String), Status> {
        let (size, after) = if takes_token(description, call) {
            requested_page(call)?
        } else {
            (usize::MAX, 0)
        };
        let mut rows = self
            .listed(call.now, after)
            .filter(|(_, row)| keep(row))
            .peekable();
        let (mut page, mut last) = (Vec::new(), 0);
        while let Some((position, row)) = rows.next_if(|_| page.len() < size) {
            page.push(row);
            last = position;
        }
        let more = rows.peek().is_some();
        let next = if more {
            next_token(call, last)
        } else {
            String::new()
        };
        Ok((page, next))
    }
}

/// The values that no other row of the kind may have, with the number of the rule that says so.
fn names<'r>(kind: &str, row: &'r Row) -> impl Iterator<Item = Vec<String>> + use<'r> {
    let rules = rules::unique(kind).iter().enumerate();
    let rules = rules.filter(|(_, fields)| {
        let last = fields.last();
        last.is_some_and(|last| !row.text(last).is_empty())
    });
    rules.map(|(rule, fields)| {
        let values = fields.iter().map(|field| row.text(field).to_owned());
        [rule.to_string()].into_iter().chain(values).collect()
    })
}

/// Whether the operation has a parameter for a page token.
fn takes_token(description: &Description, call: &Call<'_>) -> bool {
    let mut query = call.operation.query_parameters.iter();
    let body = messages::request(description, call.operation);
    query.any(|parameter| parameter.name == "page_token")
        || body.is_some_and(|body| body.fields.contains_key("pageToken"))
}

/// The requested page size, and the position after which the page begins.
pub(super) fn requested_page(call: &Call<'_>) -> Result<(usize, u64), Status> {
    let (size, token) = page_parameters(call)?;
    let after = match token.as_str() {
        "" => 0,
        token => position(call, token).ok_or_else(|| {
            Status::invalid_field(
                name(call, "page_token", "pageToken"),
                "a token from an earlier response of this operation",
            )
        })?,
    };
    Ok((size, after))
}

/// The token of the page after the row at the position.
pub(super) fn next_token(call: &Call<'_>, last: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{last}", call.operation.id()))
}

/// The position in a page token; `None` if it is not a token of this operation.
fn position(call: &Call<'_>, token: &str) -> Option<u64> {
    let token = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (operation, position) = token.rsplit_once(':')?;
    (operation == call.operation.id())
        .then_some(position)?
        .parse()
        .ok()
}

/// The name of a page parameter, which depends on whether it is in the query or in the body.
fn name(call: &Call<'_>, query: &'static str, body: &'static str) -> &'static str {
    let in_query = call
        .operation
        .query_parameters
        .iter()
        .any(|parameter| parameter.name == query);
    if in_query { query } else { body }
}

/// The requested page size and page token.
fn page_parameters(call: &Call<'_>) -> Result<(usize, String), Status> {
    let size_name = name(call, "page_size", "pageSize");
    let size = match (call.query(size_name), call.body().0.get(size_name)) {
        ("", None | Some(Value::Null)) => 0,
        ("", Some(Value::String(text))) => text.parse().unwrap_or(-1),
        // The validation accepts 25.0 as an integer.
        ("", Some(number)) => number
            .as_i64()
            .or_else(|| number.to_string().strip_suffix(".0")?.parse().ok())
            .unwrap_or(-1),
        (text, _) => text.parse().unwrap_or(-1),
    };
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_field(size_name, "a number from 0 to 100"))?;
    let token = match call.query("page_token") {
        "" => call.body().text("pageToken"),
        token => token,
    };
    Ok((
        if size == 0 { 25 } else { size.clamp(10, 100) },
        token.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{Call, Row, Status, Table};
    use crate::testing::{description, operation};

    fn table(rows: usize) -> Table {
        let mut table = Table::new("Thing");
        for at in 0..rows {
            table
                .insert(&[&at.to_string()], Row::of([("id", &at.to_string())]))
                .unwrap();
        }
        table
    }

    fn page(table: &Table, size: &str, token: &str) -> Result<(usize, String), u16> {
        let list = operation("things.list");
        let query = [
            ("page_size".to_owned(), size.to_owned()),
            ("page_token".to_owned(), token.to_owned()),
        ];
        let call = Call::new(&list, &[], &query, None, SystemTime::UNIX_EPOCH);
        let page = table.page(&description(), &call, |_| true);
        page.map(|(rows, token)| (rows.len(), token))
            .map_err(|status| status.http.as_u16())
    }

    #[test]
    fn page_sizes_are_those_of_the_api() {
        let table = table(130);
        for (asked, given) in [
            ("", 25),
            ("0", 25),
            ("3", 10),
            ("10", 10),
            ("99", 99),
            ("1000", 100),
        ] {
            assert_eq!(page(&table, asked, "").unwrap().0, given, "{asked}");
        }
        assert_eq!(page(&table, "-1", ""), Err(400));
    }

    #[test]
    fn deletions_do_not_shift_pages() {
        let mut table = table(30);
        let (_, token) = page(&table, "10", "").unwrap();
        table.remove(&["9"]);
        table.remove(&["10"]);
        let (second, token) = page(&table, "10", &token).unwrap();
        let (third, end) = page(&table, "10", &token).unwrap();
        assert_eq!((second, third, end.as_str()), (10, 9, ""));
        assert_eq!(page(&table, "10", "nonsense"), Err(400));
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        assert_eq!(page(&table(10), "10", ""), Ok((10, String::new())));
    }

    #[test]
    fn keys_are_unique_and_reusable_after_removal() {
        let mut table = table(1);
        assert_eq!(
            table
                .insert(&["0"], Row::default())
                .unwrap_err()
                .http
                .as_u16(),
            409
        );
        assert_eq!(table.extract(|row| row.text("id") == "0").len(), 1);
        assert_eq!(table.get(&["0"]).unwrap_err().http.as_u16(), 404);
        assert!(table.insert(&["0"], Row::default()).is_ok());
    }

    #[test]
    fn names_are_unique_and_reusable_after_removal() {
        let app = |id: &str, name: &str| Row::of([("id", id), ("displayName", name)]);
        let mut table = Table::new("App");
        table.insert(&["1"], app("1", "a")).unwrap();
        let taken =
            |result: Result<(), _>| result.unwrap_err() == Status::already_exists("App", "1");
        assert!(taken(table.insert(&["2"], app("2", "a"))));
        table.insert(&["2"], app("2", "b")).unwrap();
        assert!(taken(table.put(&["2"], app("2", "a"))));
        assert_eq!(table.get(&["2"]).unwrap().text("displayName"), "b");
        table.put(&["1"], app("1", "c")).unwrap();
        table.put(&["2"], app("2", "a")).unwrap();
        table.remove(&["2"]);
        table.insert(&["3"], app("3", "a")).unwrap();
        // A row that is replaced stays where it was.
        let names: Vec<_> = table.rows().map(|row| row.text("displayName")).collect();
        assert_eq!(names, ["c", "a"]);
    }

    #[test]
    fn key_parts_are_compared_separately() {
        let mut table = Table::new("Thing");
        table.insert(&["a/b", "c"], Row::default()).unwrap();
        assert!(table.get(&["a", "b/c"]).is_err());
        assert!(table.get(&["a/b", "c"]).is_ok());
    }
}
