//! A row as a table keeps it: in large tables as JSON text, which takes a fraction of the memory.

use std::cell::OnceCell;

use super::row::Row;

/// The text of a row, if it is packed, and the row, if somebody has read it since it was packed.
pub(super) struct Stored {
    packed: Option<Box<str>>,
    row: OnceCell<Box<Row>>,
}

impl Stored {
    pub(super) fn new(row: Row) -> Self {
        Self {
            packed: None,
            row: OnceCell::from(Box::new(row)),
        }
    }

    /// Keeps the row as text only.
    pub(super) fn pack(&mut self) {
        if let Some(row) = self.row.take()
            && self.packed.is_none()
        {
            match serde_json::to_string(&row.0) {
                Ok(text) => self.packed = Some(text.into()),
                // Never with JSON; if it were so, the row would stay as it is.
                Err(_) => self.row = OnceCell::from(row),
            }
        }
    }

    fn unpacked(&self) -> Row {
        let packed = self.packed.as_deref().unwrap_or_default();
        Row(serde_json::from_str(packed).unwrap_or_default())
    }

    /// The row, which stays in memory until it is packed; `on_unpack` is called if it was not.
    pub(super) fn row(&self, on_unpack: impl FnOnce()) -> &Row {
        self.row.get_or_init(|| {
            on_unpack();
            Box::new(self.unpacked())
        })
    }

    /// What `read` tells of the row, which does not stay in memory for it.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Row) -> T) -> T {
        match self.row.get() {
            Some(row) => read(row),
            None => read(&self.unpacked()),
        }
    }

    /// Whether only the text is in memory.
    #[cfg(test)]
    pub(super) fn is_packed(&self) -> bool {
        self.row.get().is_none()
    }

    pub(super) fn into_row(self) -> Row {
        let unpacked = self.row.get().is_none().then(|| self.unpacked());
        unpacked
            .or_else(|| self.row.into_inner().map(|row| *row))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Row, Stored};

    #[test]
    fn packed_rows_are_the_same() {
        let fields = json!({
            "z": "\"\\\u{0}é\u{2028}", "a": [1, -2, u64::MAX, null], "half": 0.907_303_832_202_868_9_f64, "b": { "c": true },
        });
        let Value::Object(fields) = fields else {
            panic!("no object")
        };
        let mut stored = Stored::new(Row(fields.clone()));
        let mut unpacked = 0;
        for packed in [false, true, true] {
            if packed {
                stored.pack();
            }
            assert_eq!(stored.with(Row::clone).0, fields);
            assert_eq!(stored.row(|| unpacked += 1).0, fields);
        }
        assert_eq!(unpacked, 2, "once each time it was packed");
        stored.pack();
        let order: Vec<_> = stored
            .into_row()
            .0
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(order, ["z", "a", "half", "b"]);
    }
}
