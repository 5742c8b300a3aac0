//! Constructs of schemas that the vendor's documents do not have yet: what each is typed as, and what is noted. That the
//! result compiles, and what it sends, is tested by `tests/conformance/tests/descriptions.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use c1_api_spec::model::{Field, SchemaKind, Type};
use c1_api_spec::{Description, Error, emit, normalize, read};

const DOCUMENT: &str = include_str!("schemas.yaml");

fn described(text: &str) -> Result<Description, Error> {
    let description = normalize::normalize(&read::read(text).unwrap())?;
    let again = normalize::normalize(&emit::emit(&description)).unwrap();
    assert_eq!(again, description, "our own form reads as itself");
    Ok(description)
}

fn fields(description: &Description, message: &str) -> BTreeMap<String, Field> {
    let message = description.message(message).expect(message);
    message.fields.clone().into_iter().collect()
}

/// The names of the fields of a message, in order.
#[track_caller]
fn assert_fields(description: &Description, message: &str, expected: &[&str]) {
    let message = description.message(message).expect(message);
    assert_eq!(message.fields.keys().collect::<Vec<_>>(), expected);
}

/// A document with these components (YAML in flow style) beside the message that the operation returns.
fn document(components: &[&str]) -> String {
    let mut text = String::from(
        "openapi: 3.1.0
info: {version: 0.1.0}
servers: [{url: https://c1.test}]
paths:
  /things:
    get:
      operationId: things.get
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Reply'}}}}}
components:
  schemas:
    Reply: {type: object}
",
    );
    for component in components {
        text.push_str("    ");
        text.push_str(component);
        text.push('\n');
    }
    text
}

fn list(ty: Type) -> Type {
    Type::List(Box::new(ty))
}

fn map(ty: Type) -> Type {
    Type::Map(Box::new(ty))
}

fn named(name: &str) -> Type {
    Type::Ref(name.to_owned())
}

#[test]
fn each_construct_has_its_type() {
    let description = described(DOCUMENT).unwrap();
    let fields = fields(&description, "Thing");
    let expected = [
        ("double", Type::Double),
        ("float", Type::Double),
        ("whole", Type::Int32),
        ("count", Type::Int64Number),
        ("long", Type::Int64Number),
        ("unsigned", Type::Uint64Number),
        ("small", Type::Int64Number),
        ("counts", list(Type::Int64Number)),
        ("countsByName", map(Type::Int64Number)),
        ("requiredCount", Type::Int64Number),
        ("textual", Type::Int64),
        ("link", Type::String),
        ("secret", Type::String),
        ("secrets", list(Type::String)),
        ("limited", Type::String),
        ("nothing", Type::Json),
        ("draft", Type::String),
        ("anything", Type::Json),
        ("everything", Type::Json),
        ("impossible", Type::Json),
        ("either", Type::Json),
        ("unheardOf", Type::Json),
        ("tuple", list(Type::Json)),
        ("list", list(Type::Json)),
        ("union", Type::Json),
        ("unions", list(Type::Json)),
        ("conflict", Type::Json),
        ("beside", Type::Object),
        ("conditional", Type::Json),
        ("owner", named("ThingOwner")),
        ("owners", list(named("ThingOwners"))),
        ("ownersByName", map(named("ThingOwnersByName"))),
        ("closed", Type::Object),
        ("free", Type::Object),
        ("expanded", list(Type::Any)),
        ("merged", named("ThingMerged")),
        ("extended", named("Extended")),
        ("described", named("Base")),
        ("nullable", named("Base")),
        ("alias", named("Base")),
        ("scalar", Type::Timestamp),
        ("things", list(named("Base"))),
        ("tree", list(Type::Json)),
        ("labels", map(Type::String)),
        ("constant", named("ThingConstant")),
        ("constants", named("ThingConstants")),
        ("level", Type::Int64Number),
        ("mixed", Type::Json),
        ("odd", named("ThingOdd")),
        ("picked", Type::String),
        ("counted", Type::Int64Number),
    ];
    for (name, ty) in &expected {
        assert_eq!(fields[*name].ty, *ty, "{name}");
    }
    assert_eq!(fields.len(), expected.len());
}

#[test]
fn facts_of_fields() {
    let description = described(DOCUMENT).unwrap();
    let fields = fields(&description, "Thing");
    assert!(fields["secret"].sensitive && fields["secrets"].sensitive);
    assert!(fields["draft"].write_only);
    assert_eq!(fields["draft"].default, Some("none `yet`".into()));
    assert!(fields["described"].read_only, "of a part that has no type");
    for name in ["nullable", "scalar", "constants"] {
        assert!(fields[name].nullable, "{name}");
    }
    assert!(!fields["picked"].required, "another member may be set");
    assert!(fields["requiredCount"].required);
}

#[test]
fn objects_become_messages_named_after_their_place() {
    let description = described(DOCUMENT).unwrap();
    assert_fields(&description, "ThingOwner", &["name", "address"]);
    assert_fields(&description, "ThingOwnerAddress", &["street"]);
    assert_fields(&description, "ThingMerged", &["id", "kind", "extra"]);
    let all = ["id", "kind", "size", "own", "inner"];
    assert_fields(&description, "Extended", &all);
    let inner = ["id", "kind", "size", "own", "inner", "depth"];
    assert_fields(&description, "ExtendedInner", &inner);
    let fields = fields(&description, "ExtendedInner");
    assert_eq!(fields["inner"].ty, named("ExtendedInner"));
    for alias in [
        "Alias", "Other", "Scalar", "Things", "Tree", "Labels", "Level",
    ] {
        assert!(!description.schemas.contains_key(alias), "{alias}");
    }
    let values = |name: &str| description.schemas[name].kind.clone();
    assert_eq!(
        values("ThingConstant"),
        SchemaKind::Enum(vec!["fixed".to_owned()])
    );
}

#[test]
fn what_is_not_typed_is_noted() {
    let thing = "#/components/schemas/Thing";
    let untyped = [
        (format!("{thing}/properties/impossible"), "JSON"),
        (format!("{thing}/properties/either/type"), "JSON"),
        (format!("{thing}/properties/unheardOf/type"), "JSON"),
        (format!("{thing}/properties/tuple"), "a list of JSON"),
        (format!("{thing}/properties/union/oneOf"), "JSON"),
        (format!("{thing}/properties/unions/items/anyOf"), "JSON"),
        (format!("{thing}/properties/conflict"), "JSON"),
        (format!("{thing}/properties/beside"), "a JSON object"),
        ("#/components/schemas/Tree/items/$ref".to_owned(), "JSON"),
        (format!("{thing}/required"), "an optional field"),
    ];
    let unused = [
        "additionalProperties",
        "enum",
        "format: int16",
        "format: uri",
        "if",
        "maxLength",
        "propertyNames",
        "then",
        "x-surprise",
    ];
    let notes = described(DOCUMENT).unwrap().notes;
    let (mut counted, others): (Vec<_>, Vec<_>) =
        notes.iter().partition(|note| note.carried == "not used");
    counted.sort_by_key(|note| &note.found);
    assert_eq!(
        counted.iter().map(|note| &note.found).collect::<Vec<_>>(),
        unused
    );
    let others = others
        .iter()
        .map(|note| (note.pointer.clone(), note.carried.as_str()));
    assert_eq!(others.collect::<Vec<_>>(), untyped);
}

#[test]
fn speakeasy_leaves_an_empty_object_of_any() {
    for (items, ty) in [
        (
            "{type: object, additionalProperties: true, properties: {}}",
            Type::Any,
        ),
        ("{type: object, additionalProperties: true}", Type::Object),
        ("{type: object, properties: {}}", Type::Object),
        ("{additionalProperties: {}}", Type::Object),
        (
            "{properties: {'@type': {}, a: {}}, additionalProperties: true}",
            Type::Any,
        ),
    ] {
        let thing = format!("Thing: {{type: object, properties: {{a: {items}}}}}");
        let description = described(&document(&[&thing])).unwrap();
        assert_eq!(fields(&description, "Thing")["a"].ty, ty, "{items}");
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let description = described(&document(&[
        "Thing: {type: object, properties: {owner: {properties: {a: {type: string}}}}}",
        "ThingOwner: {type: object, properties: {b: {type: string}}}",
    ]))
    .unwrap();
    assert_eq!(
        fields(&description, "Thing")["owner"].ty,
        named("ThingOwner2")
    );
    assert_fields(&description, "ThingOwner", &["b"]);
}

#[test]
fn a_required_property_that_is_none_is_noted() {
    let thing = "Thing: {type: object, required: [b], properties: {a: {type: string}}}";
    let notes = described(&document(&[thing])).unwrap().notes;
    assert_eq!(notes[0].pointer, "#/components/schemas/Thing/required");
    assert!(notes[0].found.contains("\"b\""), "{notes:?}");
}

/// Each paragraph of a description, on a message with the fields `a` and `b`: its oneofs, and how many notes.
#[track_caller]
fn assert_oneofs(prose: &[&str], expected: &[(&str, &[&str])], notes: usize) {
    let prose = serde_json::to_string(&prose.join("\n")).unwrap();
    let thing = format!(
        "Thing: {{description: {prose}, type: object, properties: {{a: {{type: string}}, b: {{type: string}}}}}}"
    );
    let description = described(&document(&[&thing])).unwrap();
    let oneofs = &description.message("Thing").unwrap().oneofs;
    let oneofs: Vec<_> = oneofs
        .iter()
        .map(|(name, members)| (name.as_str(), members.iter().map(String::as_str).collect()))
        .collect();
    let expected: Vec<(_, Vec<_>)> = expected
        .iter()
        .map(|(name, members)| (*name, members.to_vec()))
        .collect();
    assert_eq!(
        (oneofs, description.notes.len()),
        (expected, notes),
        "{prose}"
    );
    for note in &description.notes {
        assert!(note.pointer.starts_with("#/components/schemas/Thing"));
        assert!(!note.found.contains("whatever"), "prose in {note}");
    }
}

#[test]
fn an_announcement_of_a_oneof_that_is_not_understood_is_noted() {
    const GOOD: &str = "This message contains a oneof named kind. Only a single field of the following list may be set at a time:";
    let kind: &[(&str, &[&str])] = &[("kind", &["a", "b"])];
    assert_oneofs(&[GOOD, "  - a", "  - b"], kind, 0);
    // In other words.
    for sentence in [
        "Contains a OneOf called kind, whatever:",
        "Set one of the following, whatever:",
        "These are mutually exclusive, whatever:",
        "Only a single field of these may be set, whatever:",
        "This message contains a oneof named kind, whatever. Set one:",
    ] {
        assert_oneofs(&[sentence, "  - a", "  - b"], &[], 1);
        assert_oneofs(&[sentence], &[], 1);
    }
    assert_oneofs(&[GOOD], &[], 1);
    assert_oneofs(&["A thing."], &[], 0);
    // What only speaks of a group that is understood.
    assert_oneofs(
        &["The kind is a oneof, whatever.", GOOD, "- a", "- b"],
        kind,
        0,
    );
    // A member that is no property, or that is in two groups.
    assert_oneofs(&[GOOD, "- a", "- c"], &[("kind", &["a"])], 1);
    let other = GOOD.replace("kind", "other");
    assert_oneofs(&[GOOD, "- a", "- b", &other, "- a"], kind, 1);
    assert_oneofs(&[GOOD, "- a", GOOD, "- b"], &[("kind", &["a"])], 1);
}

#[test]
fn a_message_without_fields_has_no_oneof_to_announce() {
    let thing = "Thing: {description: The oneof is set by its presence., type: object}";
    assert_eq!(described(&document(&[thing])).unwrap().notes, []);
}

/// The pointers of the problems of a document with these components.
#[track_caller]
fn refused(components: &[&str]) -> Vec<String> {
    let error = described(&document(components)).expect_err("must be refused");
    let problems = error.problems().iter();
    problems
        .map(|problem| problem.pointer().to_owned())
        .collect()
}

#[test]
fn references_that_lead_nowhere_or_back_are_refused() {
    for components in [
        &[
            "A: {$ref: '#/components/schemas/B'}",
            "B: {$ref: '#/components/schemas/A'}",
        ][..],
        &["A: {$ref: '#/components/schemas/A'}"],
        &["A: {allOf: [{$ref: '#/components/schemas/A'}, {properties: {a: {type: string}}}]}"],
        &[
            "A: {allOf: [{$ref: '#/components/schemas/B'}], properties: {a: {type: string}}}",
            "B: {allOf: [{$ref: '#/components/schemas/A'}], properties: {b: {type: string}}}",
        ],
        &["A: {anyOf: [{$ref: '#/components/schemas/A'}, {type: 'null'}]}"],
        &["A: {type: array, items: {$ref: '#/components/schemas/None'}}"],
        &["A: {oneOf: [{$ref: '#/components/schemas/None'}, {type: string}]}"],
        &["A: {allOf: [{$ref: '#/components/schemas/None'}, {type: string}]}"],
        &["A: {$ref: 'other.yaml#/A'}"],
    ] {
        let pointers = refused(components);
        let here = |pointer: &String| pointer.starts_with("#/components/schemas/");
        assert!(pointers.iter().all(here), "{components:?}: {pointers:?}");
    }
}

#[test]
fn absurd_depth_is_refused() {
    let chain = |component: &dyn Fn(usize) -> String| {
        let components: Vec<_> = (0..200).map(component).collect();
        let components: Vec<_> = components.iter().map(String::as_str).collect();
        let end = ["A200: {type: object, properties: {a: {type: string}}}"];
        refused(&[&components[..], &end].concat());
    };
    chain(&|at| format!("A{at}: {{$ref: '#/components/schemas/A{}'}}", at + 1));
    chain(&|at| {
        format!(
            "A{at}: {{type: array, items: {{$ref: '#/components/schemas/A{}'}}}}",
            at + 1
        )
    });
    let part = "{properties: {b: {type: string}}}";
    chain(&|at| {
        format!(
            "A{at}: {{allOf: [{{$ref: '#/components/schemas/A{}'}}, {part}]}}",
            at + 1
        )
    });
}

#[test]
fn parts_of_parts_do_not_multiply() {
    // Each has two properties that are put together of the next: read for each of its places, they would be 2 to the 60th.
    let components: Vec<_> = (0..60)
        .map(|at| {
            let next = format!("{{allOf: [{{$ref: '#/components/schemas/A{}'}}, {{properties: {{z: {{type: string}}}}}}]}}", at + 1);
            format!("A{at}: {{type: object, properties: {{a: {next}, b: {next}}}}}")
        })
        .collect();
    let mut components: Vec<_> = components.iter().map(String::as_str).collect();
    components.push("A60: {type: object, properties: {c: {type: string}}}");
    let description = described(&document(&components)).unwrap();
    assert_eq!(description.schemas.len(), 1 + 61 + 2 * 60);
}

#[cfg(feature = "codegen")]
#[test]
fn variants_of_any_values_are_names_and_differ() {
    use c1_api_spec::generate::{UnknownFields, Whole, generate};

    let description = described(DOCUMENT).unwrap();
    let files = generate(&description, &Whole::of(&description), UnknownFields::Skip).unwrap();
    let text: String = files.into_iter().map(|file| file.text).collect();
    for line in [
        "_1 = \"+1\",",
        "_12 = \"1\",",
        "_13 = \"-1\",",
        "AB = \"a b\",",
        "AB2 = \"a-b\",",
        "AB4 = \"A_B\",",
        "U65e5U672c = \"日本\",",
        "U002a = \"*\",",
        "LineBreak = \"line\\nbreak\",",
        "/// Not returned by the server. If absent, the server takes `\"none `yet`\"`.",
    ] {
        assert!(text.lines().any(|found| found.trim() == line), "no {line}");
    }
}

#[test]
fn fewer_oneofs_than_before_are_told() {
    use c1_api_spec::check::{Counts, lost_oneofs};

    let now = Counts::of(&described(&document(&[])).unwrap());
    let before = Counts::of(&described(DOCUMENT).unwrap());
    let warning = lost_oneofs(&now, &before).unwrap();
    assert_eq!(warning, "0 oneof groups, 1 in the description before");
    assert_eq!(lost_oneofs(&before, &now), None);
    assert_eq!(lost_oneofs(&now, &now), None);
}
