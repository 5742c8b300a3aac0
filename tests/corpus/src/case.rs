//! The cases: `cases/*.yaml`, one change that the vendor may make in each, or a table of changes that differ in a word.
//!
//! `README.md` describes the format.

use std::collections::BTreeSet;
use std::fs;

use c1_api_spec::{names, overlay, read};
use serde_json::{Map, Value, json};

/// A change of the document, and what is to become of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the file, and of the row if the file is a table: `format/email`.
    pub name: String,
    /// What it is about, as a sentence.
    pub about: String,
    /// What is changed.
    pub change: Change,
    /// What is expected.
    pub verdict: Verdict,
    /// Parts of the code that is expected, in which one space stands for any white space.
    pub rust: Vec<String>,
    /// Names of the base that the code no longer has, since the change removes what they stand for.
    pub gone: Vec<String>,
    /// Parts of the notes that are expected.
    pub notes: Vec<String>,
    /// The calls that a program makes; empty for a document that is refused.
    pub calls: Vec<Call>,
    /// Why the verdict is not reached yet. Then reaching it is a failure, so that this line is removed.
    pub open: Option<String>,
    /// Why the calls fail although the verdict is reached. Then a program that makes them must fail.
    pub open_calls: Option<String>,
}

/// What a case changes.
#[derive(Clone, Debug)]
pub enum Change {
    /// The actions of an overlay for the base.
    Actions(Vec<Value>),
    /// The whole document is another one.
    Document(String),
}

/// What is to become of a document.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Everything has a type, and nothing is noted but what the case says.
    Typed,
    /// Something is carried as JSON or bytes, and noted.
    Untyped,
    /// The document is refused, with these problems among others.
    Refused(Vec<Refusal>),
}

impl Verdict {
    /// As a case has it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Untyped => "untyped",
            Self::Refused(_) => "refused",
        }
    }
}

/// A problem that is expected.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its JSON pointer.
    pub at: String,
    /// A part of its message.
    pub says: String,
}

/// A call of the program that is built against the document.
#[derive(Clone, Debug)]
pub struct Call {
    /// Rust: an expression for the request.
    pub code: String,
    /// What the emulator must have received: members of the entry in its log.
    pub received: Map<String, Value>,
    /// The status of the response.
    pub status: u16,
    /// Rust: statements on the `answer`. Without them the whole answer is compared with what was sent.
    pub answer: Option<String>,
}

/// All cases, sorted by name.
///
/// # Errors
///
/// When a file cannot be read, or is no case.
pub fn all() -> Result<Vec<Case>, String> {
    let folder = crate::folder().join("cases");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let named = |error: String| format!("{}: {error}", file.display());
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.ok_or_else(|| named("a name that is not UTF-8".to_owned()))?;
        let text = fs::read_to_string(&file).map_err(|error| named(error.to_string()))?;
        cases.extend(parse(stem, &text).map_err(named)?);
    }
    let mut known = BTreeSet::new();
    match cases
        .iter()
        .find(|case: &&Case| !known.insert(names::snake(&case.name)))
    {
        Some(case) => Err(format!("{}: another case has this name in Rust", case.name)),
        None => Ok(cases),
    }
}

/// The cases of a file.
///
/// # Errors
///
/// When it is none.
pub fn parse(stem: &str, text: &str) -> Result<Vec<Case>, String> {
    let Value::Object(mut members) = read::read(text).map_err(|error| error.to_string())? else {
        return Err("not a map".to_owned());
    };
    let rows = match members.shift_remove("each") {
        None => {
            return Ok(vec![case(
                stem.to_owned(),
                with_names(stem, &members, &Map::new()),
            )?]);
        }
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err("each: not a list".to_owned()),
    };
    let mut cases = Vec::new();
    for row in rows {
        let Value::Object(row) = row else {
            return Err("each: not a list of maps".to_owned());
        };
        let name = row
            .get("name")
            .and_then(Value::as_str)
            .ok_or("each: a row without a name")?;
        let name = format!("{stem}/{name}");
        let mut own = members.clone();
        // What is no placeholder of the row belongs to its case.
        for (key, value) in row.iter().filter(|(key, _)| KEYS.contains(&key.as_str())) {
            own.insert(key.clone(), value.clone());
        }
        let own = with_names(&name, &own, &row);
        cases.push(case(name.clone(), own).map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(cases)
}

/// The members of a case with its placeholders filled: those of its row, and the name of the case as Rust writes it.
fn with_names(
    case: &str,
    members: &Map<String, Value>,
    row: &Map<String, Value>,
) -> Map<String, Value> {
    // The values of a row may have placeholders themselves.
    let mut row_names = Map::new();
    row_names.insert("snake".to_owned(), json!(names::snake(case)));
    row_names.insert("pascal".to_owned(), json!(names::pascal(case)));
    let own = row
        .iter()
        .map(|(key, value)| (key.clone(), filled(value, &row_names)));
    let row: Map<_, _> = own.chain(row_names.clone()).collect();
    let entries = members.iter();
    entries
        .map(|(key, value)| (key.clone(), filled(value, &row)))
        .collect()
}

/// What a case consists of.
const KEYS: &[&str] = &[
    "about",
    "actions",
    "fields",
    "value",
    "document",
    "verdict",
    "refused",
    "rust",
    "gone",
    "notes",
    "calls",
    "open",
    "open_calls",
];

/// The value with `<key>` replaced by what the row has for it.
fn filled(value: &Value, row: &Map<String, Value>) -> Value {
    let fill = |text: &str| {
        row.iter().fold(text.to_owned(), |text, (key, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("<{key}>"), &value)
        })
    };
    match value {
        Value::String(text) => {
            let whole = text
                .strip_prefix('<')
                .and_then(|text| text.strip_suffix('>'));
            match whole.and_then(|key| row.get(key)) {
                Some(value) => value.clone(),
                None => json!(fill(text)),
            }
        }
        Value::Array(values) => values.iter().map(|value| filled(value, row)).collect(),
        Value::Object(members) => {
            let entries = members
                .iter()
                .map(|(key, value)| (fill(key), filled(value, row)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

fn case(name: String, mut members: Map<String, Value>) -> Result<Case, String> {
    if let Some(unknown) = members.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("{unknown}: unknown; expected {}", KEYS.join(", ")));
    }
    let about = text(&mut members, "about")?.ok_or("about: missing")?;
    let refused = list(&mut members, "refused")?;
    let verdict = match text(&mut members, "verdict")?.as_deref() {
        Some("typed") => Verdict::Typed,
        Some("untyped") => Verdict::Untyped,
        Some("refused") => Verdict::Refused(refused.iter().map(refusal).collect::<Result<_, _>>()?),
        other => {
            return Err(format!(
                "verdict: {other:?}; expected typed, untyped or refused"
            ));
        }
    };
    let is_refused = matches!(verdict, Verdict::Refused(_));
    if is_refused == refused.is_empty() {
        return Err(
            "`refused` lists the problems of a case that is refused, and of no other".to_owned(),
        );
    }
    let mut calls: Vec<_> = list(&mut members, "calls")?
        .iter()
        .map(call)
        .collect::<Result<_, _>>()?;
    let change = match (
        members.shift_remove("fields"),
        list(&mut members, "actions")?,
        text(&mut members, "document")?,
    ) {
        (Some(fields), actions, None) => {
            let value = members.shift_remove("value");
            calls.extend(
                value
                    .filter(|_| !is_refused)
                    .map(|value| echo(&name, &value)),
            );
            Change::Actions([vec![message(&name, &fields)], actions].concat())
        }
        (None, actions, None) if !actions.is_empty() => Change::Actions(actions),
        (None, actions, Some(document)) if actions.is_empty() => Change::Document(document),
        _ => return Err("expected one of `fields`, `actions` and `document`".to_owned()),
    };
    if is_refused != calls.is_empty() {
        let expected = "a case that is accepted has `calls`, or `fields` and their `value`; one that is refused has none";
        return Err(expected.to_owned());
    }
    let notes = texts(&mut members, "notes")?;
    if matches!(verdict, Verdict::Untyped) && notes.is_empty() {
        return Err("notes: missing; what is carried untyped is noted".to_owned());
    }
    Ok(Case {
        name,
        about,
        change,
        verdict,
        rust: texts(&mut members, "rust")?,
        gone: texts(&mut members, "gone")?,
        notes,
        calls,
        open: text(&mut members, "open")?,
        open_calls: text(&mut members, "open_calls")?,
    })
}

/// `fields` as an action: a message of these fields, and an operation that takes and returns it.
fn message(case: &str, fields: &Value) -> Value {
    let (message, operation) = (names::pascal(case), names::snake(case));
    let full = format!("c1.api.corpus.v1.{message}");
    let json = json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{full}") } } });
    json!({ "target": "$", "update": {
        "paths": { format!("/api/v1/corpus/{operation}"): { "post": {
            "operationId": format!("c1.api.corpus.v1.CorpusService.{message}"),
            "x-speakeasy-group": "Corpus",
            "x-speakeasy-name-override": operation,
            "requestBody": { "content": json },
            "responses": { "200": { "description": "It.", "content": json } },
        } } },
        "components": { "schemas": { full: {
            "type": "object",
            "x-speakeasy-name-override": message,
            "properties": fields,
        } } },
    } })
}

/// The call of that operation: what it takes is sent as it is.
fn echo(case: &str, value: &Value) -> Call {
    let (message, operation) = (names::pascal(case), names::snake(case));
    let text = value.to_string();
    Call {
        code: format!(
            "client.corpus().{operation}(serde_json::from_str::<types::{message}>({text:?})?)"
        ),
        received: Map::from_iter([("body".to_owned(), value.clone())]),
        status: 200,
        answer: None,
    }
}

fn refusal(value: &Value) -> Result<Refusal, String> {
    match (value["at"].as_str(), value["says"].as_str()) {
        (Some(at), Some(says)) => Ok(Refusal {
            at: at.to_owned(),
            says: says.to_owned(),
        }),
        _ => Err(format!("refused: {value}; expected `at` and `says`")),
    }
}

fn call(value: &Value) -> Result<Call, String> {
    let mut members = value.as_object().ok_or("calls: not a map")?.clone();
    let code = text(&mut members, "code")?.ok_or("calls: without code")?;
    let answer = text(&mut members, "answer")?;
    let received = members.shift_remove("received");
    let status = members.shift_remove("status");
    if let Some(unknown) = members.keys().next() {
        return Err(format!(
            "calls: {unknown}; expected code, received, status and answer"
        ));
    }
    let received = received.unwrap_or_else(|| json!({}));
    let status = status.map_or(Some(200), |status| status.as_u64());
    Ok(Call {
        code,
        received: received.as_object().ok_or("received: not a map")?.clone(),
        status: status
            .and_then(|status| u16::try_from(status).ok())
            .ok_or("status: no number")?,
        answer,
    })
}

fn text(members: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match members.shift_remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{key}: {other}; expected a string")),
    }
}

fn list(members: &mut Map<String, Value>, key: &str) -> Result<Vec<Value>, String> {
    match members.shift_remove(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => Ok(values),
        Some(other) => Err(format!("{key}: {other}; expected a list")),
    }
}

fn texts(members: &mut Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    let values = list(members, key)?;
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{key}: expected strings"))
}

/// Applies the actions of a case, each of which must find its target.
///
/// # Errors
///
/// When they are no overlay, or do not fit the document.
pub fn apply(document: &mut Value, actions: &[Value]) -> Result<(), String> {
    let overlay = json!({ "overlay": "1.0.0", "info": { "title": "A case", "version": "1" }, "actions": actions });
    let idle = overlay::apply(document, &overlay).map_err(|error| format!("actions: {error}"))?;
    if idle.is_empty() {
        Ok(())
    } else {
        Err(format!("actions: the base has no {}", idle.join(", ")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::json;

    use super::{Change, parse};

    #[test]
    fn a_table_is_a_case_for_each_row() {
        let text = "about: Of <name>.\nfields: {a: <schema>}\nvalue: {a: <json>}\nverdict: typed\neach:\n\
                    - {name: one, schema: {type: string}, json: '<snake>'}\n\
                    - {name: two, schema: {type: boolean}, json: true, verdict: untyped, notes: [a]}\n";
        let cases = parse("table", text).unwrap();
        let named: Vec<_> = cases
            .iter()
            .map(|case| (&*case.name, &*case.about))
            .collect();
        assert_eq!(named, [("table/one", "Of one."), ("table/two", "Of two.")]);
        assert_eq!(
            cases[0].calls[0].received["body"],
            json!({ "a": "table_one" })
        );
        assert_eq!(cases[1].notes, ["a"]);
        let Change::Actions(actions) = &cases[1].change else {
            panic!("no actions");
        };
        let schemas = &actions[0]["update"]["components"]["schemas"];
        assert_eq!(
            schemas["c1.api.corpus.v1.TableTwo"]["properties"],
            json!({ "a": { "type": "boolean" } })
        );
    }

    #[test]
    fn what_says_too_little_is_no_case() {
        for (text, error) in [
            ("[]", "an object"),
            ("about: A.\nverdict: good\n", "verdict"),
            ("about: A.\nverdict: typed\nsurprise: 1\n", "surprise"),
            ("about: A.\nverdict: typed\nfields: {}\n", "calls"),
            ("about: A.\nverdict: refused\nfields: {}\n", "refused"),
            (
                "about: A.\nverdict: untyped\nfields: {}\nvalue: {}\n",
                "notes",
            ),
            ("about: A.\nverdict: typed\ncalls: [{code: a}]\n", "actions"),
            ("each: [{schema: {}}]\n", "without a name"),
        ] {
            let found = parse("case", text).unwrap_err();
            assert!(found.contains(error), "{text}: {found}");
        }
    }
}
