//! YAML 1.2 or JSON text to a JSON value, strictly: no duplicate keys, no keys that are not strings.

mod encoding;
mod syntax;

use std::collections::BTreeMap;

pub use encoding::decode;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

use self::syntax::placed as refusal;
use crate::error::{Error, Result};

/// How deep lists and objects may be nested.
const MAX_DEPTH: usize = 128;
/// How many values all aliases of a document may stand for: aliases of aliases multiply.
const MAX_ALIASED: usize = 1_000_000;

/// Reads a document.
///
/// # Errors
///
/// When the text is empty, binary, cut short, not YAML, expands aliases without bound, or names a
/// key twice. The error tells the line and the column.
pub fn read(text: &str) -> Result<Value> {
    // The parser takes one for the end of the text.
    if let Some(nul) = text.find('\0') {
        let line = text[..nul].matches('\n').count() + 1;
        return Err(Error::new("#", format!("a NUL at line {line}"), "text"));
    }
    let mut document = Document {
        text,
        events: Parser::new_from_str(text),
        values: 0,
        aliased: 0,
        deepest: 0,
        anchors: BTreeMap::new(),
    };
    let value = document.root()?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Error::new("#", shape(&value), "an object"))
    }
}

/// A few words for a value, for error messages.
pub(crate) fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => format!("{value:?}"),
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(members) => {
            let names: Vec<_> = members.keys().take(4).map(String::as_str).collect();
            format!(
                "an object with {} members ({})",
                members.len(),
                names.join(", ")
            )
        }
    }
}

/// What has been read of a document so far.
struct Document<'t> {
    text: &'t str,
    events: Parser<'t, StrInput<'t>>,
    /// How many values.
    values: usize,
    /// How many of them through aliases.
    aliased: usize,
    /// How deep the deepest is in the value that is being read.
    deepest: usize,
    anchors: BTreeMap<usize, Anchored>,
}

/// A value with an anchor.
struct Anchored {
    value: Value,
    /// How many values it is.
    size: usize,
    /// How many levels there are below it.
    height: usize,
}

impl<'t> Document<'t> {
    /// The value of the only document in the text.
    fn root(&mut self) -> Result<Value> {
        let mut root = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => {
                    return root.ok_or_else(|| Error::new("#", "an empty text", syntax::DOCUMENT));
                }
                (Event::DocumentStart(_), at) => {
                    if root.is_some() {
                        return Err(refusal("another document", at.start, "one document"));
                    }
                    let (event, at) = self.next()?;
                    root = Some(self.value(event, at, 0)?);
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span)> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(syntax::explain(self.text, &error)),
            None => Err(Error::new("#", "the end of the text", syntax::DOCUMENT)),
        }
    }

    /// The value that begins with the event.
    fn value(&mut self, event: Event<'t>, at: Span, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} levels");
            return Err(refusal("deeper nesting", at.start, expected));
        }
        let before = self.values;
        self.values += 1;
        let deepest = std::mem::replace(&mut self.deepest, depth);
        let (value, anchor) = match event {
            Event::Alias(anchor) => (self.alias(anchor, at, depth)?, 0),
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(&text, style, tag.as_deref(), at)?, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                collection(tag.as_deref(), "seq", at)?;
                (self.list(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                collection(tag.as_deref(), "map", at)?;
                (self.object(depth)?, anchor)
            }
            _ => return Err(refusal("the end", at.start, "a value")),
        };
        // Anchors count from 1; 0 is none.
        if anchor > 0 {
            let anchored = Anchored {
                value: value.clone(),
                size: self.values - before,
                height: self.deepest - depth,
            };
            self.anchors.insert(anchor, anchored);
        }
        self.deepest = self.deepest.max(deepest);
        Ok(value)
    }

    fn alias(&mut self, anchor: usize, at: Span, depth: usize) -> Result<Value> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            let found = "an alias inside what it stands for";
            return Err(refusal(found, at.start, "an alias of an earlier value"));
        };
        self.values += anchored.size;
        self.aliased += anchored.size;
        self.deepest = depth + anchored.height;
        if self.aliased > MAX_ALIASED || self.deepest > MAX_DEPTH {
            let expected = format!("{MAX_ALIASED} values and {MAX_DEPTH} levels at most");
            return Err(refusal("an alias of too much", at.start, expected));
        }
        Ok(anchored.value.clone())
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut values = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(values));
            }
            let value = self
                .value(event, at, depth + 1)
                .map_err(|error| error.inside(&values.len().to_string()))?;
            values.push(value);
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        let mut members = Map::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Object(members));
            }
            let key = match self.value(event, at, depth + 1)? {
                Value::String(text) => text,
                // YAML reads `200:` as a number; OpenAPI means the text.
                Value::Number(number) => number.to_string(),
                other => {
                    let found = format!("the key {}", shape(&other));
                    return Err(refusal(&found, at.start, "a string"));
                }
            };
            if members.contains_key(&key) {
                return Err(refusal("the key twice", at.start, "it once").inside(&key));
            }
            let (event, at) = self.next()?;
            let value = self
                .value(event, at, depth + 1)
                .map_err(|error| error.inside(&key))?;
            members.insert(key, value);
        }
    }
}

/// A scalar by its tag, or without one by the core schema (YAML 1.2, section 10.3.2).
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Span) -> Result<Value> {
    let plain = || {
        plain(text).ok_or_else(|| {
            let found = format!("the number {text}");
            refusal(&found, at.start, "one that JSON can hold")
        })
    };
    match tag {
        None if style == ScalarStyle::Plain => plain(),
        None => Ok(text.into()),
        Some(tag) if tag.is_yaml_core_schema() => {
            let value = if tag.suffix == "str" {
                text.into()
            } else {
                plain()?
            };
            let fits = match &*tag.suffix {
                "str" => true,
                "null" => value.is_null(),
                "bool" => value.is_boolean(),
                "int" => value.is_i64() || value.is_u64(),
                "float" => value.is_number(),
                _ => false,
            };
            if fits {
                Ok(value)
            } else {
                Err(tagged(tag, at))
            }
        }
        Some(tag) => Err(tagged(tag, at)),
    }
}

fn collection(tag: Option<&Tag>, suffix: &str, at: Span) -> Result<()> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == suffix) => Err(tagged(tag, at)),
        _ => Ok(()),
    }
}

fn tagged(tag: &Tag, at: Span) -> Error {
    let found = format!("the tag {}{}", tag.handle, tag.suffix);
    refusal(&found, at.start, "a value of JSON")
}

/// An unquoted scalar; none if it is a number that JSON lacks.
pub(crate) fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(true.into()),
        "false" | "False" | "FALSE" => return Some(false.into()),
        ".nan" | ".NaN" | ".NAN" => return None,
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust reads `inf` and `nan` as numbers too, YAML does not.
    if !unsigned.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return Some(text.into());
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return None;
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && digits.chars().all(|digit| digit.is_digit(radix))
            && let Ok(number) = u64::from_str_radix(digits, radix)
        {
            return Some(number.into());
        }
    }
    if let Ok(number) = text.parse::<u64>() {
        Some(number.into())
    } else if let Ok(number) = text.parse::<i64>() {
        Some(number.into())
    } else if let Ok(number) = text.parse::<f64>() {
        Number::from_f64(number).map(Value::Number)
    } else {
        Some(text.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    fn refusal(text: &str) -> String {
        read(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn keeps_order_and_reads_json_too() {
        let value = read("b: 1\na: [x, null, true]\n").unwrap();
        assert_eq!(value.to_string(), r#"{"b":1,"a":["x",null,true]}"#);
        assert_eq!(read(r#"{"b":1,"a":["x",null,true]}"#).unwrap(), value);
    }

    #[test]
    fn status_codes_may_be_unquoted() {
        assert_eq!(
            read("responses: {200: ok}").unwrap().to_string(),
            r#"{"responses":{"200":"ok"}}"#
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, error) in [
            (
                "a:\n  b/c: 1\n  b/c: 2\n",
                "#/a/b~1c: found the key twice at line 3 column 3, expected it once",
            ),
            (
                "a: 1\nb:\n- x: [\n",
                "#/b/0/x: found no value at line 4 column 1, expected a value",
            ),
            (
                "a: [1, .inf]",
                "#/a/1: found the number .inf at line 1 column 8, expected one that JSON can hold",
            ),
            (
                "a: {1: {null: 1}}",
                "#/a/1: found the key null at line 1 column 9, expected a string",
            ),
            (
                "a: !thing {}",
                "#/a: found the tag !thing at line 1 column 4, expected a value of JSON",
            ),
            (
                "a: 1\n---\nb: 1\n",
                "#: found another document at line 2 column 1, expected one document",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with(error), "{text:?}: {refusal}");
        }
    }

    #[test]
    fn scalars_are_those_of_the_core_schema() {
        let text = "[null, ~, true, FALSE, yes, 7, +7, -7, 007, 0o17, 0xfF, 0x-1, 18446744073709551615, 1.5, -.5e3, \
             +-5, 1_000, 12:30, 2026-11-25, inf, 3.1.0, '7', \"null\", !!str 7, !!int 7, <<]";
        assert_eq!(
            read(&format!("a: {text}")).unwrap()["a"],
            json!([
                null,
                null,
                true,
                false,
                "yes",
                7,
                7,
                -7,
                7,
                15,
                255,
                "0x-1",
                18_446_744_073_709_551_615_u64,
                1.5,
                -500.0,
                "+-5",
                "1_000",
                "12:30",
                "2026-11-25",
                "inf",
                "3.1.0",
                "7",
                "null",
                "7",
                7,
                "<<",
            ])
        );
    }

    #[test]
    fn json_is_read_as_json() {
        let value = json!({ "a/b": ["x\u{1f600}\t\"\\", -1.5e-7, u64::MAX, true, null, {}, []], "": "tab\there" });
        assert_eq!(read(&value.to_string()).unwrap(), value);
        let indented = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(read(&indented).unwrap(), value);
        assert_eq!(read(&indented.replace("  ", "\t")).unwrap(), value);
        assert_eq!(
            read(r#"{"a": "\/ \u00e9"}"#).unwrap(),
            json!({ "a": "/ é" })
        );
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        for text in [
            "",
            "just text",
            "a: [1, 2",
            "a: \"cut",
            "\u{0}\u{1}\u{2}",
            "- 1",
            "a: *nowhere",
            "a: .nan",
            "a: 1\n\u{0}\nb: 2",
            "a: !!int x",
            "a: !!map [1]",
            "a: {? [1] : 2}",
        ] {
            refusal(text);
        }
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            let aliases = [alias.as_str(); 10].join(", ");
            bomb.extend([format!(
                "a{level}: &a{level} [{aliases}]
"
            )]);
        }
        refusal(&bomb);
        refusal("a: &a [*a]");
    }

    #[test]
    fn deep_nesting_is_refused() {
        refusal(&format!("a: {}{}", "[".repeat(2_000), "]".repeat(2_000)));
        // Each is an alias of the one before, eleven levels down.
        let nested = |last: usize| {
            let levels =
                (1..=last).map(|i| format!("a{i}: &a{i} [[[[[[[[[[[*a{}]]]]]]]]]]]\n", i - 1));
            format!("a0: &a0 []\n{}", levels.collect::<String>())
        };
        read(&nested(11)).unwrap();
        refusal(&nested(12));
    }
}
