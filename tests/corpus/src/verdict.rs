//! What becomes of a document, without building it: import, notes, and the code that is generated.

use std::collections::BTreeSet;

use c1_api_spec::generate::{File, UnknownFields, Whole, generate};
use c1_api_spec::{Error, Note, OVERLAY, emit, normalize, overlay, read};
use serde_json::Value;

use crate::base;
use crate::case::{Case, Change, Verdict, apply};

/// A document that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// What its import noted.
    pub notes: Vec<Note>,
    /// The code with all groups, one space for any white space.
    pub code: String,
    /// What the code offers its users: types, fields, variants and methods.
    pub names: BTreeSet<String>,
    /// Whether our form of it reads as the same description.
    pub again: bool,
}

/// Judges cases.
#[derive(Debug)]
pub struct Judge {
    base: Value,
    overlay: Value,
    accepted: Accepted,
}

impl Judge {
    /// Reads the base.
    ///
    /// # Errors
    ///
    /// When the base is refused.
    pub fn new() -> Result<Self, Error> {
        let base = base::document(&base::description()?);
        let overlay = read::read(OVERLAY)?;
        let accepted = accept(&base, &overlay)?;
        Ok(Self {
            base,
            overlay,
            accepted,
        })
    }

    /// The document of several cases that change the base, or of one case that has a text of its own.
    ///
    /// # Errors
    ///
    /// When a change does not fit.
    pub fn document<'a>(
        &self,
        cases: impl IntoIterator<Item = &'a Case>,
    ) -> Result<String, String> {
        let mut document = self.base.clone();
        for case in cases {
            match &case.change {
                Change::Actions(actions) => apply(&mut document, actions)
                    .map_err(|error| format!("{}: {error}", case.name))?,
                Change::Document(text) => return Ok(text.clone()),
            }
        }
        Ok(emit::text(&document))
    }

    /// The base.
    pub fn base(&self) -> &Value {
        &self.base
    }

    /// Whether a document is what its case says.
    ///
    /// # Errors
    ///
    /// What is not: the verdict, or a part of the code, a note or a problem that is missing.
    pub fn judge(&self, case: &Case) -> Result<(), String> {
        let accepted = match &case.change {
            Change::Actions(actions) => {
                let mut document = self.base.clone();
                apply(&mut document, actions)?;
                accept(&document, &self.overlay)
            }
            Change::Document(text) => {
                read::read(text).and_then(|document| accept(&document, &self.overlay))
            }
        };
        let reached = self.reached(accepted, case);
        match (&case.open, reached) {
            (None, reached) => reached,
            (Some(_), Err(_)) => Ok(()),
            (Some(reason), Ok(())) => {
                Err(format!("is as expected; remove the line `open: {reason}`"))
            }
        }
    }

    fn reached(&self, accepted: Result<Accepted, Error>, case: &Case) -> Result<(), String> {
        let accepted = match (accepted, &case.verdict) {
            (Err(error), Verdict::Refused(expected)) => {
                let missing = expected.iter().filter(|expected| {
                    let is = |message: &str| message.contains(&expected.says);
                    !error
                        .problems()
                        .iter()
                        .any(|problem| problem.pointer() == expected.at && is(&problem.to_string()))
                });
                return none("problems", missing, &error.to_string());
            }
            (Err(error), _) => return Err(format!("is refused: {error}")),
            (Ok(_), Verdict::Refused(_)) => return Err("is accepted".to_owned()),
            (Ok(accepted), _) => accepted,
        };
        let Accepted {
            notes,
            code,
            names,
            again,
        } = &accepted;
        let new = notes
            .iter()
            .filter(|note| !self.accepted.notes.contains(note));
        let lines: Vec<String> = new.map(ToString::to_string).collect();
        let is_noted = |part: &&String| lines.iter().any(|line| line.contains(*part));
        none(
            "notes",
            case.notes.iter().filter(|part| !is_noted(part)),
            &lines.join("\n"),
        )?;
        if matches!(case.verdict, Verdict::Typed) {
            let is_expected = |line: &&String| case.notes.iter().any(|part| line.contains(part));
            let others: Vec<_> = lines.iter().filter(|line| !is_expected(line)).collect();
            if !others.is_empty() {
                return Err(format!("these notes are not expected: {others:#?}"));
            }
        }
        none(
            "parts of the code",
            case.rust.iter().filter(|part| !code.contains(*part)),
            "",
        )?;
        // A document of its own has nothing in common with the base.
        if let Change::Actions(_) = case.change {
            let lost: Vec<_> = self.accepted.names.difference(names).collect();
            let is_lost = |gone: &str, name: &str| match gone.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => name == gone,
            };
            let unexpected = lost
                .iter()
                .filter(|name| !case.gone.iter().any(|gone| is_lost(gone, name)));
            let unexpected: Vec<_> = unexpected.collect();
            if !unexpected.is_empty() {
                return Err(format!("these names of the base are gone: {unexpected:#?}"));
            }
            let kept = case
                .gone
                .iter()
                .filter(|gone| !lost.iter().any(|name| is_lost(gone, name)));
            none("lost names", kept, "")?;
        }
        if *again {
            Ok(())
        } else {
            Err("is another description when it is imported again".to_owned())
        }
    }
}

/// Fails when something is missing.
fn none<T: std::fmt::Debug>(
    what: &str,
    missing: impl Iterator<Item = T>,
    found: &str,
) -> Result<(), String> {
    let missing: Vec<_> = missing.collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "these {what} are missing: {missing:#?}\nfound: {found}"
        ))
    }
}

/// Takes a document through what the importer and the build do with it.
fn accept(document: &Value, overlay: &Value) -> Result<Accepted, Error> {
    let plain = normalize::normalize(document)?;
    let mut ours = emit::emit(&plain);
    let again = normalize::normalize(&ours)? == plain;
    overlay::apply(&mut ours, overlay)?;
    let description = normalize::normalize(&ours)?;
    let whole = Whole::of(&description);
    let files = generate(&description, &whole, UnknownFields::Skip)?;
    let words: Vec<&str> = files
        .iter()
        .flat_map(|file| file.text.split_whitespace())
        .collect();
    Ok(Accepted {
        notes: plain.notes,
        code: words.join(" "),
        names: files.iter().flat_map(public).collect(),
        again,
    })
}

/// The public names in a file, below the type or module that they belong to.
fn public(file: &File) -> BTreeSet<String> {
    // progenitor's own client is not what users call, and types move between the files of types.
    if file.path == "raw.rs" {
        return BTreeSet::new();
    }
    let place = if file.path.starts_with("types") {
        "types"
    } else {
        &file.path
    };
    let mut owner = String::new();
    let mut names = BTreeSet::new();
    for line in file.text.lines() {
        let is_item = line.starts_with("pub ") || line.starts_with("impl");
        let line = line.trim();
        // Enums stand in a macro.
        let is_head = is_item || line.starts_with("pub enum ");
        let member = line
            .strip_prefix("pub ")
            .or_else(|| line.strip_prefix("impl "));
        let is_variant =
            owner.starts_with("enum ") && line.starts_with(|c: char| c.is_ascii_uppercase());
        let Some(name) = member.or(Some(line).filter(|_| is_variant)) else {
            continue;
        };
        let name = name
            .split(['(', '{', ':', ';', ','])
            .next()
            .unwrap_or(name)
            .trim();
        if is_head {
            name.clone_into(&mut owner);
            names.insert(format!("{place}: {name}"));
        } else {
            names.insert(format!("{place}: {owner}: {name}"));
        }
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Judge;
    use crate::case::parse;

    /// A field, and the members of a case that are told apart below.
    fn case(schema: &str, rest: &str) -> String {
        format!("about: A.\nfields: {{a: {schema}}}\n{rest}")
    }

    #[test]
    fn a_case_fails_unless_all_is_as_it_says() {
        let judge = Judge::new().unwrap();
        let string = "{type: string, maxLength: 3}";
        let typed = "value: {}\nverdict: typed\n";
        let nowhere = "{$ref: '#/components/schemas/Nothing'}";
        let at = "'#/components/schemas/c1.api.corpus.v1.Case/properties/a/$ref'";
        for (text, error) in [
            (
                case(
                    string,
                    &format!("{typed}notes: [maxLength]\nrust: ['pub a: Option<String>,']\n"),
                ),
                None,
            ),
            (case(string, typed), Some("not expected")),
            (
                case(string, &format!("{typed}notes: [maxLength, minLength]\n")),
                Some("minLength"),
            ),
            (
                case(
                    string,
                    &format!("{typed}notes: [maxLength]\nrust: ['pub b']\n"),
                ),
                Some("pub b"),
            ),
            (
                case(
                    string,
                    &format!("{typed}notes: [maxLength]\ngone: ['types: App']\n"),
                ),
                Some("types: App"),
            ),
            (
                case(string, &format!("{typed}notes: [maxLength]\nopen: later\n")),
                Some("open: later"),
            ),
            (
                case(
                    string,
                    &format!("verdict: refused\nrefused: [{{at: {at}, says: a}}]\n"),
                ),
                Some("is accepted"),
            ),
            (
                case(
                    nowhere,
                    &format!("verdict: refused\nrefused: [{{at: {at}, says: Nothing}}]\n"),
                ),
                None,
            ),
            (
                case(
                    nowhere,
                    &format!("verdict: refused\nrefused: [{{at: {at}, says: Anything}}]\n"),
                ),
                Some("Anything"),
            ),
            (
                case(
                    nowhere,
                    "verdict: refused\nrefused: [{at: '#', says: Nothing}]\n",
                ),
                Some("problems"),
            ),
            (case(nowhere, typed), Some("is refused")),
            (case(nowhere, &format!("{typed}open: later\n")), None),
        ] {
            let case = parse("case", &text).unwrap().remove(0);
            match (judge.judge(&case), error) {
                (Ok(()), None) => {}
                (Err(found), Some(error)) => assert!(found.contains(error), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_name_of_today_that_changes_is_found() {
        let judge = Judge::new().unwrap();
        let text = "about: A.\nverdict: typed\ncalls: [{code: client.apps().list()}]\nactions:\n\
                    - {target: \"$.components.schemas['c1.api.app.v1.App'].properties.displayName\", remove: true}\n";
        let case = parse("case", text).unwrap().remove(0);
        let error = judge.judge(&case).unwrap_err();
        assert!(error.contains("types: struct App: display_name"), "{error}");
    }
}
