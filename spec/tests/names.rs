//! Names that would not compile as they are: what becomes of each. That the result compiles is tested by
//! `tests/package/package.sh`, which builds c1-api from the same description.

#![cfg(feature = "codegen")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use c1_api_spec::generate::{UnknownFields, Whole, generate};
use c1_api_spec::{Description, emit, names, normalize, read};

/// Every name that is known to need care.
const DOCUMENT: &str = include_str!("names.yaml");

fn description() -> Description {
    let description = normalize::normalize(&read::read(DOCUMENT).unwrap()).unwrap();
    let again = normalize::normalize(&emit::emit(&description)).unwrap();
    assert_eq!(again, description, "our own form reads as itself");
    description
}

/// The lines of all generated files, without the spaces around them.
fn lines() -> BTreeSet<String> {
    let description = description();
    let files = generate(&description, &Whole::of(&description), UnknownFields::Skip).unwrap();
    let lines = files.iter().flat_map(|file| file.text.lines());
    lines.map(|line| line.trim().to_owned()).collect()
}

#[track_caller]
fn assert_lines(expected: &[&str]) {
    let lines = lines();
    for line in expected {
        assert!(lines.contains(*line), "no line {line:?}");
    }
}

#[test]
fn a_setter_steps_back_from_the_methods_of_its_message() {
    assert_lines(&[
        "pub new: String,",
        "pub fn new(new_: impl Into<String>, kind_oneof_: impl Into<String>) -> Self {",
        "pub fn new_(mut self, value: impl Into<String>) -> Self {",
        "pub clone: Option<String>,",
        "pub fn clone_(mut self, value: impl Into<String>) -> Self {",
        "pub rules: Option<String>,",
        "pub fn rules(mut self, value: impl Into<String>) -> Self {",
        "pub fn to_kind(mut self, value: impl Into<String>) -> Self {",
    ]);
}

#[test]
fn a_field_steps_back_from_that_of_the_unknown_fields() {
    assert_lines(&[
        "pub unknown_fields_: Option<String>,",
        "pub fn unknown_fields_(mut self, value: impl Into<String>) -> Self {",
        "wire::write(&self.unknown_fields_, \"unknownFields\", out);",
    ]);
}

#[test]
fn a_oneof_whose_name_is_that_of_a_field_or_of_new_says_so() {
    assert_lines(&[
        "pub fn kind(mut self, value: impl Into<String>) -> Self {",
        "pub fn kind_oneof(mut self, value: impl Into<Option<NamesKind>>) -> Self {",
        "pub fn kind_oneof_(mut self, value: impl Into<String>) -> Self {",
        "pub fn new_oneof(mut self, value: impl Into<Option<NamesNew>>) -> Self {",
    ]);
    let description = description();
    let oneofs = &description.message("Names").unwrap().oneofs;
    assert_eq!(oneofs.keys().collect::<Vec<_>>(), ["kind", "new"]);
}

#[test]
fn a_schema_called_as_in_the_prelude_takes_its_package_in_front() {
    let description = description();
    for name in [
        "CoreOption",
        "CoreSelf",
        "CoreVec",
        "StringEnum",
        "NamesTwoFactor",
        "Error",
        "Any",
        "Client",
    ] {
        assert!(description.schemas.contains_key(name), "no {name}");
    }
    for name in ["Option", "Self", "String", "Vec"] {
        assert!(!description.schemas.contains_key(name), "{name}");
    }
}

#[test]
fn the_empty_value_is_a_variant() {
    assert_lines(&[
        "Empty = \"\",",
        "EmptyValue = \"\",",
        "Empty = \"EMPTY\",",
        "Empty = \"CUT_\",",
        "Red = \"COLOR_RED\",",
        "SelfValue = \"CUT_SELF\",",
    ]);
}

#[test]
fn groups_and_operations_that_cannot_have_their_name() {
    let description = description();
    for group in [
        "raw_group",
        "full_group",
        "ok_group",
        "self_group",
        "type",
        "unknown_fields_group",
    ] {
        assert!(description.groups().contains(group), "no {group}");
        assert_eq!(names::group(group), group, "stays as it is");
    }
    assert_lines(&[
        "pub fn raw_group(&self) -> raw_group::RawGroup {",
        "pub fn r#type(&self) -> TypeRequest {",
        "pub fn error(&self) -> ErrorRequest {",
        "pub fn vec(&self) -> VecRequest {",
    ]);
}

#[test]
fn a_parameter_steps_back_from_the_rest_of_its_builder() {
    assert_lines(&[
        "pub fn send_(mut self, value: impl Into<String>) -> Self {",
        "pub fn client_(mut self, value: impl Into<String>) -> Self {",
        "pub fn id_query(mut self, value: impl Into<String>) -> Self {",
        "pub send: &'a str,",
        "send_: path.send.into(),",
    ]);
}
