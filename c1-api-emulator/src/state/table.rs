//! A table of rows in order of creation, with lookup by key and pagination.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
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
use super::sort::SortKey;
use super::stored::Stored;
use crate::random::Random;
use crate::status::Status;

/// The number of rows from which on they are packed.
const LARGE: usize = 4096;

type Key = Arc<str>;

/// How large pages are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pages {
    /// The fewest and the most rows of a page, whatever is asked for.
    sizes: (usize, usize),
    /// Whether some are larger than asked for, or empty.
    irregular: bool,
    /// The seed of that.
    seed: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            sizes: (10, 100),
            irregular: false,
            seed: 0,
        }
    }
}

impl Pages {
    /// Sets the fewest and the most rows of a page. Below 1, and in the wrong order, they are raised.
    pub(crate) fn set_sizes(&mut self, least: usize, most: usize) {
        let least = least.max(1);
        self.sizes = (least, most.max(least));
    }

    pub(crate) fn set_irregular(&mut self, irregular: bool) {
        self.irregular = irregular;
    }

    pub(crate) fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// The number of rows of the page that begins after the position, for one for which this many are asked.
    fn size(&self, asked: usize, operation: &str, after: &After) -> usize {
        let (least, most) = self.sizes;
        let size = if asked == 0 { 25 } else { asked }.clamp(least, most);
        if !self.irregular {
            return size;
        }
        let mut random = Random::named(self.seed, &format!("{operation}:{}", after.position));
        match random.below(3) {
            0 if !after.empty => 0,
            1 => size + 1 + random.below(size + size / 2),
            _ => size,
        }
    }
}

/// Where a page begins.
#[derive(Clone, Default)]
pub(super) struct After {
    /// The position of the last row before it.
    pub(super) position: u64,
    /// What that row is sorted by, if the list is sorted.
    key: Option<SortKey>,
    /// Whether the page before it was empty.
    empty: bool,
}

impl After {
    /// After the row at the position, the last one of a page or, if it is empty, of the one before.
    pub(super) fn row(position: u64, empty: bool) -> Self {
        Self {
            position,
            key: None,
            empty,
        }
    }

    /// The token of the page.
    pub(super) fn token(&self, call: &Call<'_>) -> String {
        let empty = if self.empty { "+" } else { "" };
        let mut token = format!("{}:{}{empty}", call.operation.id(), self.position);
        if let Some(key) = &self.key {
            // Writing to a string cannot fail.
            let key = serde_json::to_string(key).unwrap_or_default();
            let _ = write!(token, ":{key}");
        }
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The page with the token; `None` if it is not a token of this operation, or of a list in another order.
    fn of(call: &Call<'_>, token: &str, sorted: bool) -> Option<Self> {
        let token = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let rest = token
            .strip_prefix(&call.operation.id())?
            .strip_prefix(':')?;
        let (position, key) = rest
            .split_once(':')
            .map_or((rest, None), |(position, key)| (position, Some(key)));
        let stripped = position.strip_suffix('+');
        let after = Self {
            position: stripped.unwrap_or(position).parse().ok()?,
            key: key.map(serde_json::from_str).transpose().ok()?,
            empty: stripped.is_some(),
        };
        (after.position == 0 || after.key.is_some() == sorted).then_some(after)
    }
}

pub(super) struct Table {
    /// The name of the rows' message, for errors.
    kind: String,
    positions: BTreeMap<Key, u64>,
    rows: BTreeMap<u64, (Key, Stored)>,
    /// The positions of the rows by the values that no two rows share.
    names: BTreeMap<Box<str>, u64>,
    next: u64,
    /// Whether the rows are packed.
    large: bool,
    /// The positions of the rows that were read since [`Table::pack`].
    read: RefCell<Vec<u64>>,
    pub(super) lag: Lag,
}

/// The parts as one text, each after its length, so that no others have the same.
fn joined_key<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut key = String::new();
    for part in parts {
        // Writing to a string cannot fail.
        let _ = write!(key, "{}:{part}", part.len());
    }
    key
}

fn key<S: AsRef<str>>(parts: &[S]) -> Key {
    joined_key(parts.iter().map(AsRef::as_ref)).into()
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
            large: false,
            read: RefCell::default(),
            lag: Lag::default(),
        }
    }

    /// The positions and the rows, in order of creation.
    pub(super) fn copies(&self) -> impl Iterator<Item = (u64, Row)> {
        let rows = self.rows.iter();
        rows.map(|(position, (_, row))| (*position, row.with(Row::clone)))
    }

    /// Adds a row at a position of its own; 409 if the position, the key or a name is taken.
    pub(super) fn restore<S: AsRef<str>>(
        &mut self,
        position: u64,
        parts: &[S],
        row: Row,
    ) -> Result<(), Status> {
        if self.rows.contains_key(&position) {
            return Err(Status::already_exists(&self.kind, &position.to_string()));
        }
        self.next = position;
        self.insert(parts, row)?;
        self.pack_if_large();
        Ok(())
    }

    /// Sets the position of the next row, which must be above all others.
    pub(super) fn set_next(&mut self, next: u64) {
        self.next = next;
    }

    fn pack_if_large(&mut self) {
        if !self.large && self.rows.len() > LARGE {
            self.large = true;
            self.rows.values_mut().for_each(|(_, row)| row.pack());
        }
    }

    /// Frees the memory of rows that were read, if the table is a large one.
    pub(super) fn pack(&mut self) {
        self.pack_if_large();
        for position in self.read.take() {
            if let Some((_, row)) = self.rows.get_mut(&position) {
                row.pack();
            }
        }
    }

    /// A row, which stays in memory until [`Table::pack`].
    fn read<'t>(&'t self, position: u64, row: &'t Stored) -> &'t Row {
        row.row(|| self.read.borrow_mut().push(position))
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
        let row = position.and_then(|position| Some((*position, self.rows.get(position)?)));
        row.map(|(position, (_, row))| self.read(position, row))
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
                let id = other.with(|other| other.text("id").to_owned());
                return Err(Status::already_exists(&self.kind, &id));
            }
        }
        self.next += u64::from(position == self.next);
        if self.take(position).is_none() {
            self.lag.keep(position, None);
        }
        self.names
            .extend(names.into_iter().map(|name| (name, position)));
        self.positions.insert(Arc::clone(&key), position);
        let mut row = Stored::new(row);
        if self.large {
            row.pack();
        }
        self.rows.insert(position, (key, row));
        Ok(())
    }

    /// Removes the row at the position.
    fn take(&mut self, position: u64) -> Option<Row> {
        let (key, row) = self.rows.remove(&position)?;
        self.positions.remove(&key);
        let row = row.into_row();
        for name in names(&self.kind, &row) {
            self.names.remove(&name);
        }
        self.lag.keep(position, Some(&row));
        Some(row)
    }

    /// The rows to keep after the position as lists show them, in order of creation.
    pub(super) fn listed(
        &self,
        now: SystemTime,
        after: u64,
        keep: impl Fn(&Row) -> bool + Copy,
    ) -> impl Iterator<Item = (u64, &Row)> {
        let rows = self.rows.range((Bound::Excluded(after), Bound::Unbounded));
        // Before others are shown in their places, so that only those to keep are unpacked.
        let rows = rows.filter(move |(_, (_, row))| row.with(keep));
        let rows = rows.map(|(position, (_, row))| (*position, self.read(*position, row)));
        let listed = self.lag.merge(now, after, rows);
        listed.filter(move |(_, row)| keep(row))
    }

    /// The rows in order of creation.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        let rows = self.rows.iter();
        rows.map(|(position, (_, row))| self.read(*position, row))
    }

    /// The first row that matches.
    pub(super) fn find(&self, matches: impl Fn(&Row) -> bool) -> Option<&Row> {
        let mut rows = self.rows.iter();
        let (position, (_, row)) = rows.find(|(_, (_, row))| row.with(&matches))?;
        Some(self.read(*position, row))
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
        let matching = self.rows.iter().filter(|(_, (_, row))| row.with(&matches));
        let positions: Vec<_> = matching.map(|(position, _)| *position).collect();
        let removed = positions
            .into_iter()
            .filter_map(|position| self.take(position));
        removed.collect()
    }

    /// The page that the call requests, of the rows for which `keep` is true, and the token of the next
    /// page.
    ///
    /// Page sizes are those of the API, unless [`Pages`] says otherwise: 0 means 25, less than 10 means 10, more than 100
    /// means 100. An operation that takes no token returns all rows. A token identifies the last row of its page, so
    /// changes in between do not shift later pages.
    pub(super) fn page(
        &self,
        description: &Description,
        call: &Call<'_>,
        keep: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<&Row>, String), Status> {
        let (size, after) = page_of(description, call, false)?;
        let mut rows = self.listed(call.now, after.position, &keep).peekable();
        let (mut page, mut last) = (Vec::new(), after.position);
        while let Some((position, row)) = rows.next_if(|_| page.len() < size) {
            page.push(row);
            last = position;
        }
        let more = rows.peek().is_some();
        let next = more.then(|| After::row(last, page.is_empty()).token(call));
        Ok((page, next.unwrap_or_default()))
    }

    /// The same with the rows sorted by a key, which may tell from a row and its position; equal ones stay in theirs. A
    /// token has the key of the last row of its page, so neither do changes in between shift later pages.
    pub(super) fn sorted_page(
        &self,
        description: &Description,
        call: &Call<'_>,
        keep: impl Fn(&Row) -> bool,
        key: impl Fn(u64, &Row) -> SortKey,
        descending: bool,
    ) -> Result<(Vec<&Row>, String), Status> {
        let (size, after) = page_of(description, call, true)?;
        let rows = self.listed(call.now, 0, &keep);
        let mut rows: Vec<_> = rows
            .map(|(position, row)| ((key(position, row), position), row))
            .collect();
        let compare = |one: &(SortKey, u64), other: &(SortKey, u64)| {
            let keys = one.0.cmp(&other.0);
            let keys = if descending { keys.reverse() } else { keys };
            keys.then(one.1.cmp(&other.1))
        };
        rows.sort_by(|(one, _), (other, _)| compare(one, other));
        if let Some(last) = after.key.clone() {
            let last = (last, after.position);
            rows.retain(|(own, _)| compare(own, &last).is_gt());
        }
        let more = rows.len() > size;
        rows.truncate(size);
        let next = more.then(|| {
            let last = rows.last().map(|((key, position), _)| After {
                key: Some(key.clone()),
                ..After::row(*position, false)
            });
            let same = After {
                empty: true,
                ..after
            };
            last.unwrap_or(same).token(call)
        });
        let page = rows.into_iter().map(|(_, row)| row).collect();
        Ok((page, next.unwrap_or_default()))
    }
}

/// The size of the page and where it begins: all rows, if the operation takes no token.
fn page_of(
    description: &Description,
    call: &Call<'_>,
    sorted: bool,
) -> Result<(usize, After), Status> {
    if takes_token(description, call) {
        requested_page(call, sorted)
    } else {
        Ok((usize::MAX, After::default()))
    }
}

/// The values that no other row of the kind may have, with the number of the rule that says so.
fn names<'r>(kind: &str, row: &'r Row) -> impl Iterator<Item = Box<str>> + use<'r> {
    let rules = rules::unique(kind).iter().enumerate();
    let rules = rules.filter(|(_, fields)| {
        let last = fields.last();
        last.is_some_and(|last| !row.text(last).is_empty())
    });
    rules.map(|(rule, fields)| {
        let values = fields.iter().map(|field| row.text(field));
        joined_key([rule.to_string().as_str()].into_iter().chain(values)).into()
    })
}

/// Whether the operation has a parameter for a page token.
fn takes_token(description: &Description, call: &Call<'_>) -> bool {
    let mut query = call.operation.query_parameters.iter();
    let body = messages::request(description, call.operation);
    query.any(|parameter| parameter.name == "page_token")
        || body.is_some_and(|body| body.fields.contains_key("pageToken"))
}

/// The size of the requested page, and where it begins.
pub(super) fn requested_page(call: &Call<'_>, sorted: bool) -> Result<(usize, After), Status> {
    let (asked, token) = page_parameters(call)?;
    let after = match token.as_str() {
        "" => After::default(),
        token => After::of(call, token, sorted).ok_or_else(|| {
            Status::invalid_field(
                name(call, "page_token", "pageToken"),
                "a token from an earlier response of this operation",
            )
        })?,
    };
    let size = call.pages.size(asked, &call.operation.id(), &after);
    Ok((size, after))
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
        ("", Some(number)) => number.as_i64().unwrap_or(-1),
        (text, _) => text.parse().unwrap_or(-1),
    };
    let size = usize::try_from(size)
        .map_err(|_| Status::invalid_field(size_name, "a number from 0 to 100"))?;
    let token = match call.query("page_token") {
        "" => call.body().text("pageToken"),
        token => token,
    };
    Ok((size, token.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::SystemTime;

    use super::{Call, LARGE, Row, Status, Table};
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
    fn changes_do_not_shift_sorted_pages() {
        for descending in [false, true] {
            let mut table = Table::new("Thing");
            let put = |table: &mut Table, id: &str, name: &str| {
                let row = Row::of([("id", id), ("name", name)]);
                table.put(&[id], row).unwrap();
            };
            for at in 10..40 {
                // In another order than that of their names, of which some are the same.
                put(
                    &mut table,
                    &at.to_string(),
                    &(at * 7 % 30 / 2 + 20).to_string(),
                );
            }
            let list = operation("things.list");
            let page = |table: &Table, token: &str| {
                let query = [
                    ("page_size".to_owned(), "10".to_owned()),
                    ("page_token".to_owned(), token.to_owned()),
                ];
                let call = Call::new(&list, &[], &query, None, SystemTime::UNIX_EPOCH);
                let key = |_, row: &Row| Some((0, row.text("name").to_owned()));
                let page = table.sorted_page(&description(), &call, |_| true, key, descending);
                let (rows, next) = page.unwrap();
                let names = rows
                    .iter()
                    .map(|row| (row.text("name").to_owned(), row.text("id").to_owned()));
                (names.collect::<Vec<_>>(), next)
            };
            let (mut all, token) = page(&table, "");
            // The last row of the page moves to the end that the pages have left, others come and go there.
            let (left, right) = if descending {
                ("99", "00")
            } else {
                ("00", "99")
            };
            put(&mut table, &all[9].1, left);
            table.remove(&[&all[0].1]);
            put(&mut table, "left", left);
            put(&mut table, "right", right);
            let (second, token) = page(&table, &token);
            let (third, token) = page(&table, &token);
            let (fourth, end) = page(&table, &token);
            all.extend([second, third, fourth].concat());
            assert_eq!((all.len(), end.as_str()), (31, ""));
            let mut sorted = all.clone();
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            if descending {
                sorted.sort_by(|(one, _), (other, _)| other.cmp(one));
            }
            assert_eq!(all, sorted);
            let ids: BTreeSet<_> = all.iter().map(|(_, id)| id).collect();
            assert_eq!(ids.len(), all.len(), "none is there twice");
            assert_eq!(all[30].1, "right");
        }
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        assert_eq!(page(&table(10), "10", ""), Ok((10, String::new())));
    }

    #[test]
    fn rows_of_large_tables_are_packed_and_read_as_before() {
        let mut table = table(LARGE + 2);
        table.pack();
        let packed = |table: &Table| {
            let rows = table.rows.values().filter(|(_, row)| row.is_packed());
            rows.count()
        };
        assert_eq!(packed(&table), LARGE + 2);
        assert_eq!(table.get(&["7"]).unwrap().text("id"), "7");
        assert_eq!(
            table.find(|row| row.text("id") == "9").unwrap().text("id"),
            "9"
        );
        assert_eq!(page(&table, "10", "").unwrap().0, 10);
        assert_eq!(
            packed(&table),
            LARGE + 2 - 11,
            "a page of ten, 7 and 9 among them, and the row that says that there are more"
        );
        table.pack();
        table
            .put(&["7"], Row::of([("id", "7"), ("name", "new")]))
            .unwrap();
        table.insert(&["new"], Row::of([("id", "new")])).unwrap();
        assert_eq!(packed(&table), LARGE + 3);
        assert_eq!(table.get(&["7"]).unwrap().text("name"), "new");
        assert_eq!(table.extract(|row| row.text("id") == "new").len(), 1);
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
