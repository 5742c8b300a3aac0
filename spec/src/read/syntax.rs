//! Why a text is not YAML or JSON, in the words of somebody who writes it rather than of a parser.

use saphyr_parser::{Marker, ScanError};
use serde_json::Value;

use crate::error::Error;

/// What is expected where nothing more can be said.
pub(super) const DOCUMENT: &str = "a YAML or JSON document";

/// What the parser says, what that means, and what it expected. The first that its words contain counts.
const MEANINGS: &[(&str, &str, &str)] = &[
    (
        "invalid indentation in quoted scalar",
        "a quote that is not closed",
        "a closing quote, before a line that is indented less",
    ),
    (
        "scanning a quoted scalar",
        "a quote that is not closed",
        "a closing quote",
    ),
    (
        "invalid trailing content",
        "text behind a closing quote",
        "a quote in quoted text written as '' or \\\"",
    ),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        "\\\\ for a backslash, or single quotes",
    ),
    (
        "hexadecimal number",
        "an escape without its hexadecimal digits",
        "two after \\x, four after \\u",
    ),
    (
        "mapping values are not allowed",
        "a colon that cannot belong to a key",
        "quotes around text with a colon in it, and the same indentation for all keys of an object",
    ),
    (
        "expected '-' indicator",
        "a key among the items of a list",
        "an item (- ...), or the indentation of a key further up",
    ),
    (
        "expected ',' or '}'",
        "neither a comma nor a closing brace",
        "one of them after each member of an object in braces",
    ),
    (
        "expected ',' or ']'",
        "neither a comma nor a closing bracket",
        "one of them after each item of a list in brackets",
    ),
    (
        "illegal placement of ':'",
        "a key in a list in brackets",
        "a comma or a closing bracket",
    ),
    (
        "invalid indentation",
        "a line inside brackets or braces that is indented no more than the line they are in",
        "deeper indentation, or the closing bracket before it",
    ),
    (
        "misplaced bracket",
        "a closing bracket or brace that nothing opened",
        "none",
    ),
    ("expected node content", "no value", "a value"),
    (
        "unknown anchor",
        "an alias of nothing",
        "quotes around text that begins with an asterisk",
    ),
    (
        "scanning an anchor",
        "an anchor or alias without a name",
        "quotes around text that begins with an asterisk or an ampersand",
    ),
    (
        "unexpected character",
        "a character that no value without quotes begins with",
        "quotes around the value",
    ),
    (
        "only valid inside a block",
        "an item of a list (- ...) in brackets or braces",
        "items that are separated by commas",
    ),
    (
        "scanning a block scalar",
        "text behind the sign of a block of text",
        "the text on the lines below",
    ),
    (
        "expected <document start>",
        "text behind the end of the document",
        "one document",
    ),
];

/// What is wrong with a text that the parser refused.
pub(super) fn explain(text: &str, error: &ScanError) -> Error {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('<') && start[1..].starts_with(|c: char| c == '!' || c.is_alphabetic()) {
        return Error::new("#", "a web page", DOCUMENT);
    }
    // In JSON, the words of its own parser fit.
    if start.starts_with('{')
        && let Err(error) = serde_json::from_str::<Value>(text)
    {
        return Error::new("#", format!("invalid JSON: {error}"), DOCUMENT);
    }
    let at = *error.marker();
    let lines: Vec<&str> = text.lines().collect();
    // The parser counts lines from 1; one that ends the text may be behind the last.
    let line = at
        .line()
        .saturating_sub(1)
        .min(lines.len().saturating_sub(1));
    let of_line = |line: usize| lines.get(line).copied().unwrap_or_default();
    if let Some(marker) = (0..=line).find(|line| is_conflict(of_line(*line))) {
        return Error::new(
            "#",
            format!("the mark of a merge conflict at line {}", marker + 1),
            DOCUMENT,
        );
    }
    // It complains of the text before a tab, which may end lines earlier.
    if error.info().contains("tab")
        && let Some((line, column)) = (line..lines.len()).find_map(|line| {
            let indentation = of_line(line).split(|c: char| !c.is_whitespace()).next()?;
            Some((line, indentation.find('\t')?))
        })
    {
        let place = place(line, column);
        return Error::new("#", format!("a tab in the indentation {place}"), "spaces");
    }
    match error.info() {
        // Found where the next line begins.
        "simple key expect ':'" => {
            let key = (0..line.max(1))
                .rev()
                .find(|line| !of_line(*line).trim().is_empty())
                .unwrap_or_default();
            let found = format!("a line without a colon: line {}", key + 1);
            Error::new("#", found, "a key, a colon and a value")
        }
        info if info.contains("did not find expected key") => {
            let (found, expected) = if of_line(line).trim_start().starts_with("- ") {
                (
                    "an item of a list (- ...) among the keys of an object",
                    "a key",
                )
            } else {
                (
                    "a line that is indented like none above it",
                    "the indentation of a line that it belongs to",
                )
            };
            placed(found, at, expected)
        }
        info => match MEANINGS.iter().find(|(words, ..)| info.contains(words)) {
            Some((_, found, expected)) => placed(found, at, *expected),
            None => placed(info, at, DOCUMENT),
        },
    }
}

/// Whether git left the line behind where two changes met.
fn is_conflict(line: &str) -> bool {
    ["<<<<<<< ", ">>>>>>> "]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// An error at the place, which its caller completes with the pointer to it.
pub(super) fn placed(found: &str, at: Marker, expected: impl Into<String>) -> Error {
    let place = place(at.line().saturating_sub(1), at.col());
    Error::new("#", format!("{found} {place}"), expected)
}

/// Both counted from 0; people count from 1.
fn place(line: usize, column: usize) -> String {
    format!("at line {} column {}", line + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use crate::read::read;

    #[test]
    fn mistakes_are_named_in_plain_words() {
        for (text, refusal) in [
            ("", "#: found an empty text,"),
            ("# nothing\n\n", "#: found an empty text,"),
            (
                "a:\n\tb: 1\n",
                "#: found a tab in the indentation at line 2 column 1, expected spaces",
            ),
            (
                "a:\n  b: x\n  \tc: 2\n",
                "#/a: found a tab in the indentation at line 3 column 3,",
            ),
            (
                "a: \"cut\nb: 1\n",
                "#: found a quote that is not closed at line 1 column 4,",
            ),
            ("a: 'cut", "#: found a quote that is not closed at line 1"),
            (
                "a: 'it's'\n",
                "#: found text behind a closing quote at line 1 column 8,",
            ),
            (
                "a: \"\\d+\"\n",
                "#: found an unknown escape in double quotes at line 1 column 4,",
            ),
            (
                "a: \"\\xg\"\n",
                "#: found an escape without its hexadecimal digits at line 1",
            ),
            (
                "a: 1\n- b\n",
                "#: found an item of a list (- ...) among the keys of an object at line 2 column 3, expected a key",
            ),
            (
                "a:\n- b: 1\nc:\n  - d: 1\n  e: 2\n",
                "#/c: found a key among the items of a list at line 5 column 3,",
            ),
            (
                "a:\n   b: 1\n  c: 2\n",
                "#: found a line that is indented like none above it at line 3 column 3,",
            ),
            (
                "a: b: c\n",
                "#: found a colon that cannot belong to a key at line 1 column 5, expected quotes",
            ),
            (
                "a: 1\nbcd\n\ne: 2\n",
                "#: found a line without a colon: line 2, expected a key, a colon and a value",
            ),
            (
                "a: %b\n",
                "#: found a character that no value without quotes begins with at line 1 column 4,",
            ),
            (
                "a: *b\n",
                "#: found an alias of nothing at line 1 column 4,",
            ),
            (
                "a: *\n",
                "#: found an anchor or alias without a name at line 1 column 4,",
            ),
            (
                "a: {b\nc: 1\n",
                "#/a: found neither a comma nor a closing brace at line 3",
            ),
            (
                "a: [1, 2\nb: 3\n",
                "#/a: found a key in a list in brackets at line 2",
            ),
            (
                "a: [\n1]\n",
                "#/a: found a line inside brackets or braces that is indented",
            ),
            (
                "a: {b: - c}\n",
                "#/a: found an item of a list (- ...) in brackets or braces at line 1",
            ),
            (
                "a: |x\n",
                "#: found text behind the sign of a block of text at line 1",
            ),
            (
                "a: [1]]\n",
                "#: found a closing bracket or brace that nothing opened at line 1 column 7,",
            ),
            (
                "a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n",
                "#: found the mark of a merge conflict at line 2,",
            ),
            (
                "<!DOCTYPE html>\n<html><title>404</title>\n<body>Not: found</body></html>\n",
                "#: found a web page, expected a YAML or JSON document",
            ),
            (
                "{\"paths\": {\"/a\": {",
                "#/paths/~1a: found invalid JSON: EOF while parsing an object at line 1 column 18,",
            ),
            (
                "{\"a\": 1 \"b\": 2}",
                "#: found invalid JSON: expected `,` or `}` at line 1 column 9,",
            ),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with(refusal), "{text:?}: {error}");
        }
    }
}
