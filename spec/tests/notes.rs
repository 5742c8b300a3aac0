//! What no pass can type or use is noted, never dropped in silence: in the description, in our form and in its text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use c1_api_spec::{Description, Note, emit, normalize, read};

const DOCUMENT: &str = include_str!("thing.yaml");

/// The description of the document with one thing replaced, which reads as itself in our form.
#[track_caller]
fn description(from: &str, to: &str) -> Description {
    assert!(DOCUMENT.contains(from), "{from:?} is in the document");
    let document = read::read(&DOCUMENT.replacen(from, to, 1)).unwrap();
    let description = normalize::normalize(&document).unwrap();
    let again = normalize::normalize(&emit::emit(&description)).unwrap();
    assert_eq!(again, description, "our own form keeps the notes");
    description
}

#[track_caller]
fn note(from: &str, to: &str) -> Note {
    match &description(from, to).notes[..] {
        [note] => note.clone(),
        notes => panic!("{to}: {notes:?}"),
    }
}

#[test]
fn the_document_itself_needs_no_note() {
    assert_eq!(description("openapi", "openapi").notes, []);
}

#[test]
fn keywords_that_no_pass_reads_are_counted() {
    let name = "#/components/schemas/Thing/properties/name";
    for (to, keyword) in [
        ("name: {type: string, maxLength: 3}", "maxLength"),
        ("name: {type: string, x-surprise: 1}", "x-surprise"),
    ] {
        let note = note("name: {type: string}", to);
        assert_eq!(note.pointer, format!("{name}/{keyword}"));
        assert_eq!(note.found, keyword);
        assert!(note.is_named(keyword) && !note.is_named("name"));
    }
    // One that the generated code could not have.
    let note_of_pattern = note("name: {type: string}", "name: {type: string, pattern: '('}");
    assert_eq!(note_of_pattern.pointer, format!("{name}/pattern"));
    assert_eq!(note_of_pattern.carried, "any string");
    let twice = "name: {type: string, maxLength: 3}\n        other: {type: string, maxLength: 3}";
    assert_eq!(note("name: {type: string}", twice).count, 2);
    let note = note("openapi: 3.1.0", "openapi: 3.1.0\nwebhooks: {}");
    assert_eq!(note.to_string(), "#/webhooks: webhooks: not used");
}
