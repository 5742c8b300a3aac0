//! A table of rows in the order of their creation, found by key, listed by pages.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::call::Call;
use super::row::Row;
use crate::status::Status;

type Key = Vec<String>;

/// The rows of one kind.
pub(super) struct Table {
    /// The message that the rows are, for errors.
    kind: &'static str,
    places: BTreeMap<Key, u64>,
    rows: BTreeMap<u64, (Key, Row)>,
    next: u64,
}

fn key(parts: &[&str]) -> Key {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

impl Table {
    pub(super) fn new(kind: &'static str) -> Self {
        Self {
            kind,
            places: BTreeMap::new(),
            rows: BTreeMap::new(),
            next: 1,
        }
    }

    /// Adds a row; 409 when the key is taken.
    pub(super) fn insert(&mut self, parts: &[&str], row: Row) -> Result<(), Status> {
        if self.places.contains_key(&key(parts)) {
            return Err(Status::already_exists(self.kind, &parts.join("/")));
        }
        self.places.insert(key(parts), self.next);
        self.rows.insert(self.next, (key(parts), row));
        self.next += 1;
        Ok(())
    }

    /// The row; 404 when there is none.
    pub(super) fn get(&self, parts: &[&str]) -> Result<&Row, Status> {
        let place = self.places.get(&key(parts));
        let row = place.and_then(|place| self.rows.get(place));
        row.map(|(_, row)| row)
            .ok_or_else(|| Status::not_found(self.kind, &parts.join("/")))
    }

    /// Puts another row in the place of one that is there.
    pub(super) fn replace(&mut self, parts: &[&str], row: Row) {
        let place = self.places.get(&key(parts));
        if let Some((_, old)) = place.and_then(|place| self.rows.get_mut(place)) {
            *old = row;
        }
    }

    /// Takes the row out; 404 when there is none.
    pub(super) fn remove(&mut self, parts: &[&str]) -> Result<Row, Status> {
        let place = self.places.remove(&key(parts));
        let row = place.and_then(|place| self.rows.remove(&place));
        row.map(|(_, row)| row)
            .ok_or_else(|| Status::not_found(self.kind, &parts.join("/")))
    }

    /// Keeps only the rows that pass.
    pub(super) fn retain(&mut self, keep: impl Fn(&Row) -> bool) {
        let places = &mut self.places;
        self.rows.retain(|_, (key, row)| {
            let stays = keep(row);
            if !stays {
                places.remove(key);
            }
            stays
        });
    }

    /// Refuses a second row that is the same in some respect: 409 with the id of the first.
    pub(super) fn refuse(&self, same: impl Fn(&Row) -> bool) -> Result<(), Status> {
        match self.rows.values().find(|(_, row)| same(row)) {
            Some((_, row)) => Err(Status::already_exists(self.kind, row.text("id"))),
            None => Ok(()),
        }
    }

    /// The page that the call asks for, of the rows that pass, and the token of the next page.
    ///
    /// Sizes are the API's: 0 means 25, less than 10 means 10, more than 100 means 100. A token
    /// names the last row that was given, so that changes in between move no page.
    pub(super) fn page(
        &self,
        call: &Call<'_>,
        keep: impl Fn(&Row) -> bool,
    ) -> Result<(Vec<&Row>, String), Status> {
        let (size, token) = asked(call)?;
        let after = match token.as_str() {
            "" => 0,
            token => place(call, token).ok_or_else(|| {
                Status::invalid_field(
                    name(call, "page_token", "pageToken"),
                    "a token that this operation has answered with",
                )
            })?,
        };
        let mut rows = self
            .rows
            .range(after + 1..)
            .filter(|(_, (_, row))| keep(row))
            .peekable();
        let (mut page, mut last) = (Vec::new(), 0);
        while let Some((place, (_, row))) = rows.next_if(|_| page.len() < size) {
            page.push(row);
            last = *place;
        }
        let more = rows.peek().is_some();
        let next = if more {
            URL_SAFE_NO_PAD.encode(format!("{}:{last}", call.operation.id()))
        } else {
            String::new()
        };
        Ok((page, next))
    }
}

/// The place that a page token names; `None` when it is not one of this operation's.
fn place(call: &Call<'_>, token: &str) -> Option<u64> {
    let token = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (operation, place) = token.rsplit_once(':')?;
    (operation == call.operation.id())
        .then_some(place)?
        .parse()
        .ok()
}

/// Whether the call carries its page parameters in the query or in the body decides their names.
fn name(call: &Call<'_>, query: &'static str, body: &'static str) -> &'static str {
    let in_query = call
        .operation
        .query_parameters
        .iter()
        .any(|parameter| parameter.name == query);
    if in_query { query } else { body }
}

fn asked(call: &Call<'_>) -> Result<(usize, String), Status> {
    let size_name = name(call, "page_size", "pageSize");
    let size = match (call.query(size_name), call.body().0.get(size_name)) {
        ("", None | Some(Value::Null)) => 0,
        ("", Some(Value::String(text))) => text.parse().unwrap_or(-1),
        // The check lets 25.0 pass as an integer.
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

    use super::{Call, Row, Table};
    use crate::testing::operation;

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
        let page = table.page(&call, |_| true);
        page.map(|(rows, token)| (rows.len(), token))
            .map_err(|status| status.http.as_u16())
    }

    #[test]
    fn pages_have_the_sizes_of_the_api() {
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
    fn pages_follow_one_another_whatever_is_deleted() {
        let mut table = table(30);
        let (_, token) = page(&table, "10", "").unwrap();
        table.remove(&["9"]).unwrap();
        table.remove(&["10"]).unwrap();
        let (second, token) = page(&table, "10", &token).unwrap();
        let (third, end) = page(&table, "10", &token).unwrap();
        assert_eq!((second, third, end.as_str()), (10, 9, ""));
        assert_eq!(page(&table, "10", "nonsense"), Err(400));
    }

    #[test]
    fn a_last_page_that_is_full_has_no_token() {
        assert_eq!(page(&table(10), "10", ""), Ok((10, String::new())));
    }

    #[test]
    fn keys_are_taken_once_and_free_again() {
        let mut table = table(1);
        assert_eq!(
            table
                .insert(&["0"], Row::default())
                .unwrap_err()
                .http
                .as_u16(),
            409
        );
        table.retain(|row| row.text("id") != "0");
        assert_eq!(table.get(&["0"]).unwrap_err().http.as_u16(), 404);
        assert!(table.insert(&["0"], Row::default()).is_ok());
    }

    #[test]
    fn keys_of_many_parts_do_not_run_together() {
        let mut table = Table::new("Thing");
        table.insert(&["a/b", "c"], Row::default()).unwrap();
        assert!(table.get(&["a", "b/c"]).is_err());
        assert!(table.get(&["a/b", "c"]).is_ok());
    }
}
