//! How much memory decoding may take, in relation to what is decoded.
//!
//! A message without fields takes two bytes as JSON and up to 8 KiB in memory; a map of one entry takes as much as one of
//! eleven. Without a limit, a body of one MiB would become several GiB.

use std::cell::Cell;

use super::error::Fault;
use crate::error::{Error, ErrorKind};

/// What each byte of the JSON allows. Most responses take 2 to 4 for each byte, those of free-form JSON up to 12.
const PER_BYTE: usize = 16;
/// What is allowed in any case: four thousand of the largest messages, with no field set.
const ALWAYS: usize = 32 * 1024 * 1024;
/// What the smallest block on the heap takes, with what the allocator adds.
const BLOCK: usize = 32;
/// A node of a `BTreeMap` has room for so many entries,
const NODE: usize = 11;
/// and holds at least so many, if it is not the only one.
const NODE_MIN: usize = 5;

/// What one decoding may still allocate, in bytes: the lists, maps, boxes and strings that it makes. While a list grows, its
/// old and its new buffer exist, of which only the new one counts.
#[derive(Debug)]
pub struct Budget {
    /// The length of the JSON.
    len: usize,
    /// `None` once something was refused.
    left: Cell<Option<usize>>,
}

impl Budget {
    /// For JSON of `len` bytes.
    pub(super) fn for_json(len: usize) -> Self {
        Self {
            len,
            left: Cell::new(Some(allowed(len))),
        }
    }

    /// For programs that decode by serde's means, of what they have in memory.
    pub(super) fn unlimited() -> Self {
        Self::for_json(usize::MAX)
    }

    /// The error, if something was refused.
    pub(super) fn refusal(&self) -> Option<Error> {
        let (len, allowed) = (self.len, allowed(self.len));
        let message = format!("{len} bytes of JSON would take more than {allowed} bytes of memory");
        let refused = self.left.get().is_none();
        refused.then(|| Error::new(ErrorKind::TooLarge, message))
    }

    /// Takes `bytes` from the budget, before they are allocated.
    pub(super) fn charge(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.left.get().and_then(|left| left.checked_sub(bytes));
        self.left.set(left);
        match left {
            Some(_) => Ok(()),
            None => Err(Fault("a value within the memory budget")),
        }
    }

    /// Charges for a string of `len` bytes.
    pub(super) fn string(&self, len: usize) -> Result<(), Fault> {
        self.charge(len.max(BLOCK))
    }

    /// Charges for one more element in `list`, and makes room for it. Unlike `push`, it gives a first element no room for
    /// three more, each of which may be a large message.
    pub(super) fn grow<T>(&self, list: &mut Vec<T>) -> Result<(), Fault> {
        if list.len() == list.capacity() {
            let more = list.len().max(1);
            self.charge(more.saturating_mul(size_of::<T>()))?;
            list.reserve_exact(more);
        }
        Ok(())
    }

    /// Charges for one more entry, of a map with `len` entries.
    pub(super) fn entry<T>(&self, len: usize) -> Result<(), Fault> {
        let nodes = match len.checked_sub(NODE) {
            None => usize::from(len == 0),
            // The first node is divided, below one that joins the halves.
            Some(0) => 2,
            Some(more) => usize::from(more.is_multiple_of(NODE_MIN)),
        };
        self.charge(nodes * NODE * size_of::<(String, T)>())
    }
}

fn allowed(len: usize) -> usize {
    len.saturating_mul(PER_BYTE).saturating_add(ALWAYS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::de::DeserializeSeed as _;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::wire::input::Feed;
    use crate::wire::sample::{Folder, List, Sample};
    use crate::wire::{Any, Field, from_slice, read};

    /// What decoding is charged with.
    fn charged<F: Field>(json: &str) -> usize {
        let budget = Budget::unlimited();
        let mut value = F::absent();
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Feed(&mut |input| read(&mut value, input).map(drop), &budget)
            .deserialize(&mut deserializer)
            .unwrap();
        usize::MAX - budget.left.get().unwrap()
    }

    /// So many of them.
    fn list(element: &str, count: usize) -> String {
        format!("[{}]", vec![element; count].join(","))
    }

    #[test]
    fn lists_are_charged_with_their_capacity() {
        for (count, capacity) in [(0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (1000, 1024)] {
            let samples = charged::<Vec<Sample>>(&list("{}", count));
            assert_eq!(samples, capacity * size_of::<Sample>());
            let trees = charged::<Json>(&list("0", count));
            assert_eq!(trees, capacity * size_of::<Json>());
        }
        let lists = charged::<Vec<Vec<i64>>>("[[1], [], [1, 2]]");
        assert_eq!(
            lists,
            4 * size_of::<Vec<i64>>() + (1 + 2) * size_of::<i64>()
        );
    }

    #[test]
    fn maps_are_charged_with_their_nodes() {
        for (count, nodes) in [(0, 0), (1, 1), (11, 1), (12, 3), (16, 3), (17, 4)] {
            let entries: Vec<_> = (0..count).map(|at| format!("\"{at}\":{{}}")).collect();
            let json = format!("{{{}}}", entries.join(","));
            let node = NODE * size_of::<(String, Folder)>();
            let expected = nodes * node + count * BLOCK;
            assert_eq!(
                charged::<BTreeMap<String, Folder>>(&json),
                expected,
                "{count}"
            );
            let node = NODE * size_of::<(String, Json)>();
            assert_eq!(
                charged::<Json>(&json),
                nodes * node + count * BLOCK,
                "{count}"
            );
        }
    }

    #[test]
    fn boxes_and_strings_are_charged() {
        let nested = charged::<Folder>(r#"{"inner": {"inner": {}}}"#);
        assert_eq!(nested, 2 * size_of::<Folder>());
        let long = format!("{{\"name\": \"{}\"}}", "\\u0041".repeat(1000));
        assert_eq!(charged::<Folder>(&long), 1000);
        assert_eq!(charged::<Folder>(r#"{"name": "a"}"#), BLOCK);
        assert_eq!(charged::<Json>(r#""a""#), BLOCK);
    }

    #[cfg(not(feature = "unknown-fields"))]
    #[test]
    fn what_is_skipped_costs_nothing() {
        let unknown = format!("{{\"unknown\": {}}}", list("[{}, \"text\"]", 100));
        assert_eq!(charged::<Sample>(&unknown), 0);
    }

    #[cfg(feature = "unknown-fields")]
    #[test]
    fn unknown_fields_are_charged() {
        let map = size_of::<serde_json::Map<String, Json>>();
        let node = NODE * size_of::<(String, Json)>();
        assert_eq!(charged::<Folder>(r#"{"new": 0}"#), BLOCK + map + node);
        let two = format!(r#"{{"new": 0, "{}": "text"}}"#, "x".repeat(100));
        assert_eq!(charged::<Folder>(&two), BLOCK + map + node + 100 + BLOCK);
        assert_eq!(charged::<Folder>(r#"{"new": null}"#), 0);
    }

    /// Each takes many times its size, in another way.
    #[test]
    fn a_body_that_would_take_too_much_memory_is_refused() {
        let small = |element: &str| list(element, 1000);
        let large = |element: &str| list(element, (1 << 22) / (element.len() + 1));
        for element in [
            "{}",
            r#"{"folders":[{}]}"#,
            r#"{"labels":{"":{}}}"#,
            r#"{"folder":{}}"#,
            r#"{"any":{"":0}}"#,
            r#"{"json":[[[[[[[[0]]]]]]]]}"#,
        ] {
            let object = |list: String| format!("{{\"list\":{list}}}");
            from_slice::<List>(object(small(element)).as_bytes()).unwrap();
            let json = object(large(element));
            let page = from_slice::<List>(json.as_bytes());
            let error = page.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{element}");
            let (len, allowed) = (json.len(), allowed(json.len()));
            assert_eq!(
                error.message(),
                format!("{len} bytes of JSON would take more than {allowed} bytes of memory")
            );
        }
        let element = r#"{"":0}"#;
        from_slice::<Json>(small(element).as_bytes()).unwrap();
        let tree = from_slice::<Json>(large(element).as_bytes());
        let error = tree.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn the_payload_of_an_any_is_decoded_within_its_size() {
        let any = |count: usize| {
            Any(json!({"@type": "x.List", "list": vec![json!({}); count]})
                .as_object()
                .unwrap()
                .clone())
        };
        assert_eq!(any(1000).decode::<List>().unwrap().list.len(), 1000);
        let error = any(1 << 18).decode::<List>().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}
