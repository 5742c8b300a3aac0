//! Each rule by two documents: what the report says of the edit, and which names it says are broken.

use c1_api_spec::{correct, normalize};
use serde_json::{Value, json};

use super::change::{Change, Verdict, What};
use super::pairs::Pairs;
use super::verdict::{Part, Side};
use super::{compare, side, verdict};

/// An overlay that changes nothing.
const OVERLAY: &str = "overlay: 1.0.0\ninfo: {title: none, version: '1'}\nactions: []\n";

/// Two groups; `things.create` has a body with a required field, a oneof and an enum, `things.list` is paged.
fn document() -> Value {
    let payload = |name: &str| json!({ "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } } });
    let response = |name: &str| {
        let mut response = payload(name);
        response["description"] = "Answered.".into();
        json!({ "200": response })
    };
    let string = || json!({ "type": "string" });
    let place = |name: &str, place: &str| {
        let mut parameter = json!({ "name": name, "in": place, "schema": string() });
        if place == "path" {
            parameter["required"] = true.into();
        }
        parameter
    };
    json!({
        "openapi": "3.1.0",
        "x-form": "c1-api-spec",
        "info": { "title": "Things", "version": "1" },
        "servers": [{ "url": "https://example.com" }],
        "security": [{ "bearerAuth": [] }],
        "paths": {
            "/things": {
                "get": {
                    "operationId": "things.list", "tags": ["things"],
                    "parameters": [place("page_size", "query"), place("page_token", "query")],
                    "x-page": { "items": "list" },
                    "responses": response("ThingPage"),
                },
                "post": {
                    "operationId": "things.create", "tags": ["things"],
                    "requestBody": payload("ThingDraft"),
                    "responses": response("Thing"),
                },
            },
            "/shelves/{shelf_id}/things/{id}": {
                "get": {
                    "operationId": "shelves.get", "tags": ["shelves"], "x-stability": "beta",
                    "parameters": [place("shelf_id", "path"), place("id", "path")],
                    "responses": response("Thing"),
                },
            },
        },
        "components": {
            "securitySchemes": { "bearerAuth": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Empty": { "type": "object" },
                "Thing": { "type": "object", "properties": {
                    "id": string(), "note": string(), "color": { "$ref": "#/components/schemas/Color" },
                    "part": { "$ref": "#/components/schemas/Part" },
                } },
                "Part": { "type": "object", "properties": { "id": string() } },
                "ThingDraft": {
                    "type": "object", "required": ["name", "kind"],
                    "properties": {
                        "name": string(), "kind": string(), "size": { "type": "integer", "format": "int32" },
                        "blue": string(), "red": string(), "color": { "$ref": "#/components/schemas/Color" },
                        "part": { "$ref": "#/components/schemas/Part" },
                    },
                    "x-oneofs": { "paint": ["blue", "red"] },
                },
                "ThingPage": { "type": "object", "properties": {
                    "list": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } },
                    "other": { "type": "array", "items": string() },
                    "nextPageToken": string(),
                } },
                "Color": { "type": "string", "enum": ["COLOR_UNSPECIFIED", "COLOR_RED"], "x-open-enum": true },
            },
        },
    })
}

fn read_side(document: &Value) -> Side {
    let plain = normalize::normalize(document).expect("a description");
    let (description, _) = correct(&plain, OVERLAY).expect("an overlay");
    side(description).expect("a crate")
}

/// The changes from the document to what the edit makes of it.
fn changes(edit: impl Fn(&mut Value)) -> Vec<Change> {
    both(edit).0
}

/// The same, and the changes back.
fn both(edit: impl Fn(&mut Value)) -> (Vec<Change>, Vec<Change>) {
    both_of(&document(), edit)
}

/// The same, of another document.
fn both_of(document: &Value, edit: impl Fn(&mut Value)) -> (Vec<Change>, Vec<Change>) {
    let mut edited = document.clone();
    edit(&mut edited);
    let [old, new] = [document, &edited].map(read_side);
    let judged = |old: &Side, new: &Side| {
        let pairs = Pairs::of(&old.description, &new.description);
        let mut changes = compare(&old.description, &new.description, &pairs);
        verdict::judge(old, new, &pairs, &mut changes);
        changes.sort_by(|one, other| (&one.subject, one.what).cmp(&(&other.subject, other.what)));
        changes
    };
    (judged(&old, &new), judged(&new, &old))
}

/// `schema Thing: retyped: breaks`, a line each.
fn lines(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let subject = &change.subject;
        let of = if subject.of.is_empty() {
            String::new()
        } else {
            format!("{}.", subject.of)
        };
        format!(
            "{} {of}{}: {}: {}",
            subject.kind.as_str(),
            subject.name,
            change.what.as_str(),
            change.verdict().as_str()
        )
    };
    changes.iter().map(line).collect()
}

/// What is broken, by the names of the generated crate, those of `raw` left out.
fn broken(changes: &[Change]) -> Vec<String> {
    let breaks = changes.iter().flat_map(|change| &change.breaks);
    let mut names: Vec<_> = breaks
        .filter(|found| !found.item.is_raw())
        .map(|found| found.item.to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn schema<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut document["components"]["schemas"][name]
}

fn fields<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    &mut schema(document, name)["properties"]
}

fn remove(value: &mut Value, key: &str) {
    let members = value.as_object_mut().expect("an object");
    members.shift_remove(key).expect("a member");
}

#[test]
fn the_same_document_has_no_changes() {
    let changes = changes(|_| {});
    assert_eq!(lines(&changes), [""; 0]);
    assert_eq!(Part::of("0.1.0", &changes), Part::None);
}

#[test]
fn a_field_that_is_gone_takes_its_setter_along() {
    let (there, back) = both(|document| remove(fields(document, "ThingDraft"), "size"));
    assert_eq!(lines(&there), ["field ThingDraft.size: removed: breaks"]);
    assert_eq!(
        broken(&there),
        ["types::ThingDraft.size", "types::ThingDraft::size()"]
    );
    assert_eq!(lines(&back), ["field ThingDraft.size: added: compatible"]);
}

#[test]
fn what_is_required_is_an_argument_of_new_and_leaves_no_default() {
    let (there, back) = both(|document| schema(document, "Part")["required"] = json!(["id"]));
    assert_eq!(lines(&there), ["field Part.id: required: breaks"]);
    let names = [
        "types::Part.id",
        "types::Part: Default",
        "types::Part::new()",
    ];
    assert_eq!(broken(&there), names);
    // `Default` comes back; the field and the constructor change again.
    assert_eq!(broken(&back), ["types::Part.id", "types::Part::new()"]);

    let added = changes(|document| {
        fields(document, "Part")["size"] = json!({ "type": "string" });
        schema(document, "Part")["required"] = json!(["size"]);
    });
    assert_eq!(lines(&added), ["field Part.size: added: breaks"]);
    assert_eq!(
        broken(&added),
        ["types::Part: Default", "types::Part::new()"]
    );
}

#[test]
fn arguments_of_one_type_that_trade_places_are_a_break_although_calls_compile() {
    let changes = changes(|document| {
        let name = fields(document, "ThingDraft")["name"].clone();
        remove(fields(document, "ThingDraft"), "name");
        fields(document, "ThingDraft")["name"] = name;
    });
    assert_eq!(lines(&changes), ["schema ThingDraft: order: breaks"]);
    assert_eq!(broken(&changes), ["types::ThingDraft::new()"]);
}

#[test]
fn a_retyped_field_breaks_and_one_that_may_be_null_does_not() {
    let retyped =
        changes(|document| fields(document, "Thing")["note"] = json!({ "type": "boolean" }));
    assert_eq!(lines(&retyped), ["field Thing.note: retyped: breaks"]);
    let null = changes(|document| {
        fields(document, "Thing")["note"] = json!({ "type": ["string", "null"] });
    });
    assert_eq!(lines(&null), ["field Thing.note: nullable: compatible"]);
}

#[test]
fn what_is_only_said_of_a_field_breaks_nothing() {
    let changes = changes(|document| {
        fields(document, "Thing")["note"] = json!({ "type": "string", "deprecated": true, "x-sunset": "2030-01-01", "x-sensitive": true });
    });
    assert_eq!(
        lines(&changes),
        [
            "field Thing.note: secret: compatible",
            "field Thing.note: deprecated: compatible",
            "field Thing.note: sunset: compatible",
        ]
    );
}

#[test]
fn a_field_that_the_server_sets_loses_its_setter() {
    let (there, back) =
        both(|document| fields(document, "ThingDraft")["size"]["readOnly"] = true.into());
    assert_eq!(lines(&there), ["field ThingDraft.size: read-only: breaks"]);
    assert_eq!(broken(&there), ["types::ThingDraft::size()"]);
    assert_eq!(
        lines(&back),
        ["field ThingDraft.size: read-only: compatible"]
    );
}

#[test]
fn a_message_that_is_no_longer_sent_loses_constructor_and_setters() {
    let (there, back) = both(|document| remove(fields(document, "ThingDraft"), "part"));
    assert!(
        lines(&there).contains(&"schema Part: request: breaks".to_owned()),
        "{there:?}"
    );
    assert!(
        broken(&there).contains(&"types::Part::new()".to_owned()),
        "{there:?}"
    );
    assert!(
        lines(&back).contains(&"schema Part: request: compatible".to_owned()),
        "{back:?}"
    );
}

#[test]
fn a_cycle_boxes_a_field_that_did_not_change() {
    let changes = changes(|document| {
        fields(document, "Part")["whole"] = json!({ "$ref": "#/components/schemas/Thing" });
    });
    assert_eq!(
        lines(&changes),
        [
            "schema Thing: request: compatible",
            "field Part.whole: added: compatible",
            "field Thing.part: in Rust: breaks"
        ]
    );
    assert_eq!(broken(&changes), ["types::Thing.part"]);
}

#[test]
fn a_renamed_message_is_one_break_and_not_one_for_each_use() {
    let rename = |name: &str, document: &mut Value| {
        let mut part = schema(document, "Part").clone();
        part["x-proto-name"] = "things.v1.Part".into();
        if name != "Part" {
            remove(&mut document["components"]["schemas"], "Part");
            for of in ["Thing", "ThingDraft"] {
                fields(document, of)["part"] =
                    json!({ "$ref": format!("#/components/schemas/{name}") });
            }
        }
        *schema(document, name) = part;
    };
    let (mut before, mut after) = (document(), document());
    rename("Part", &mut before);
    rename("Piece", &mut after);
    let [old, new] = [&before, &after].map(read_side);
    let pairs = Pairs::of(&old.description, &new.description);
    let mut changes = compare(&old.description, &new.description, &pairs);
    verdict::judge(&old, &new, &pairs, &mut changes);
    assert_eq!(lines(&changes), ["schema Part: renamed: breaks"]);
    assert_eq!(broken(&changes), ["types::Part"]);
}

#[test]
fn a_field_that_is_no_longer_updated_loses_its_constant() {
    let mut document = document();
    *schema(&mut document, "UpdateThingRequest") = json!({ "type": "object", "properties": {
        "thing": { "$ref": "#/components/schemas/Thing" }, "updateMask": { "type": "string" },
    } });
    fields(&mut document, "ThingDraft")["update"] =
        json!({ "$ref": "#/components/schemas/UpdateThingRequest" });

    let (there, back) = both_of(&document, |document| {
        fields(document, "Thing")["note"]["readOnly"] = true.into();
    });
    assert_eq!(lines(&there), ["field Thing.note: read-only: breaks"]);
    assert_eq!(
        broken(&there),
        ["types::Thing::NOTE", "types::Thing::note()"]
    );
    assert_eq!(lines(&back), ["field Thing.note: read-only: compatible"]);

    let gone = both_of(&document, |document| {
        remove(fields(document, "UpdateThingRequest"), "updateMask");
    });
    let names = broken(&gone.0);
    for name in [
        "types::Thing::NOTE",
        "types::Thing: Updatable",
        "types::UpdateThingRequest: Update",
    ] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }

    let (other, _) = both_of(&document, |document| {
        fields(document, "UpdateThingRequest")["thing"] =
            json!({ "$ref": "#/components/schemas/Part" });
    });
    let names = broken(&other);
    assert!(
        names.contains(&"types::UpdateThingRequest: Update".to_owned()),
        "{names:?}"
    );
}

#[test]
fn a_oneof_can_gain_members_and_not_lose_them() {
    let (there, back) = both(|document| {
        schema(document, "ThingDraft")["x-oneofs"]["paint"] = json!(["blue", "red", "size"]);
    });
    assert_eq!(lines(&there), ["field ThingDraft.size: oneof: compatible"]);
    assert_eq!(lines(&back), ["field ThingDraft.size: oneof: breaks"]);
    assert_eq!(broken(&back), ["types::ThingDraftPaint::Size"]);

    let gone = changes(|document| remove(schema(document, "ThingDraft"), "x-oneofs"));
    assert!(
        lines(&gone).contains(&"oneof ThingDraft.paint: removed: breaks".to_owned()),
        "{gone:?}"
    );
    assert!(
        broken(&gone).contains(&"types::ThingDraftPaint".to_owned()),
        "{gone:?}"
    );
}

#[test]
fn an_enum_can_gain_values_and_not_lose_them() {
    let values = |values: Value| {
        move |document: &mut Value| schema(document, "Color")["enum"] = values.clone()
    };
    let (there, back) = both(values(json!([
        "COLOR_UNSPECIFIED",
        "COLOR_RED",
        "COLOR_BLUE"
    ])));
    assert_eq!(lines(&there), ["value Color.COLOR_BLUE: added: compatible"]);
    assert_eq!(lines(&back), ["value Color.COLOR_BLUE: removed: breaks"]);
    assert_eq!(broken(&back), ["types::Color::Blue"]);

    let order = changes(values(json!(["COLOR_RED", "COLOR_UNSPECIFIED"])));
    assert_eq!(lines(&order), ["schema Color: order: compatible"]);
}

#[test]
fn variants_that_get_another_name_are_renamed_and_not_gone() {
    let changes = changes(|document| {
        schema(document, "Color")["enum"] = json!(["COLOR_UNSPECIFIED", "COLOR_RED", "NONE"]);
    });
    assert_eq!(
        lines(&changes),
        [
            "value Color.COLOR_RED: renamed: breaks",
            "value Color.COLOR_UNSPECIFIED: renamed: breaks",
            "value Color.NONE: added: compatible",
        ]
    );
}

#[test]
fn operations_and_groups_can_come_and_not_go() {
    let (there, back) =
        both(|document| remove(&mut document["paths"], "/shelves/{shelf_id}/things/{id}"));
    assert_eq!(
        lines(&there),
        [
            "group shelves: removed: breaks",
            "operation shelves.get: removed: breaks"
        ]
    );
    assert!(
        broken(&there).contains(&"Client::shelves()".to_owned()),
        "{there:?}"
    );
    assert!(
        broken(&there).contains(&"shelves::Get".to_owned()),
        "{there:?}"
    );
    assert_eq!(
        lines(&back),
        [
            "group shelves: added: compatible",
            "operation shelves.get: added: compatible"
        ]
    );
}

#[test]
fn an_operation_that_is_called_otherwise_is_renamed_and_not_gone() {
    let changes = changes(|document| {
        document["paths"]["/things"]["post"]["operationId"] = "things.make".into();
    });
    assert_eq!(
        lines(&changes),
        ["operation things.create: renamed: breaks"]
    );
    assert!(
        broken(&changes).contains(&"things::Things::create()".to_owned()),
        "{changes:?}"
    );
}

#[test]
fn a_move_breaks_nothing_unless_the_ids_trade_places() {
    let to = |path: &'static str| {
        move |document: &mut Value| {
            let from = "/shelves/{shelf_id}/things/{id}";
            let item = document["paths"][from].clone();
            remove(&mut document["paths"], from);
            document["paths"][path] = item;
        }
    };
    assert_eq!(
        lines(&changes(to("/v2/shelves/{shelf_id}/things/{id}"))),
        ["operation shelves.get: moved: compatible"]
    );
    assert_eq!(
        lines(&changes(to("/things/{id}/shelves/{shelf_id}"))),
        [
            "operation shelves.get: moved: compatible",
            "operation shelves.get: order: breaks"
        ]
    );
}

#[test]
fn a_third_id_in_a_row_turns_arguments_into_a_struct() {
    let (there, back) = both(|document| {
        let from = "/shelves/{shelf_id}/things/{id}";
        let mut item = document["paths"][from].clone();
        remove(&mut document["paths"], from);
        let room = json!({ "name": "room_id", "in": "path", "required": true, "schema": { "type": "string" } });
        item["get"]["parameters"]
            .as_array_mut()
            .expect("a list")
            .push(room);
        document["paths"]["/rooms/{room_id}/shelves/{shelf_id}/things/{id}"] = item;
    });
    let expected = [
        "operation shelves.get: moved: compatible",
        "parameter shelves.get.room_id: added: breaks",
    ];
    assert_eq!(lines(&there), expected);
    assert_eq!(broken(&there), ["shelves::Shelves::get()"]);
    assert!(
        broken(&back).contains(&"shelves::GetPath".to_owned()),
        "{back:?}"
    );
}

#[test]
fn a_fourth_id_has_to_be_in_the_literals_of_the_struct() {
    let with = |names: &[&str]| {
        let mut document = document();
        let from = "/shelves/{shelf_id}/things/{id}";
        let mut item = document["paths"][from].clone();
        remove(&mut document["paths"], from);
        let parameter = |name: &&str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
        item["get"]["parameters"] = names.iter().map(parameter).collect();
        let path = format!("/{{{}}}", names.join("}/{"));
        document["paths"][path] = item;
        read_side(&document)
    };
    let (old, new) = (with(&["a", "b", "c"]), with(&["a", "b", "c", "d"]));
    let pairs = Pairs::of(&old.description, &new.description);
    let mut changes = compare(&old.description, &new.description, &pairs);
    verdict::judge(&old, &new, &pairs, &mut changes);
    assert_eq!(broken(&changes), ["shelves::GetPath.d"]);
}

#[test]
fn parameters_in_the_query_break_raw_when_they_come_and_all_when_they_go() {
    let (there, back) = both(|document| {
        let color = json!({ "name": "color", "in": "query", "schema": { "type": "string" } });
        let list = &mut document["paths"]["/things"]["get"]["parameters"];
        list.as_array_mut().expect("a list").push(color);
    });
    assert_eq!(
        lines(&there),
        ["parameter things.list.color: added: breaks raw"]
    );
    assert_eq!(broken(&there), [""; 0]);
    assert_eq!(Part::of("0.1.0", &there), Part::Minor);
    assert_eq!(
        lines(&back),
        ["parameter things.list.color: removed: breaks"]
    );
    assert_eq!(broken(&back), ["things::List::color()"]);
}

#[test]
fn a_body_that_comes_goes_or_gets_its_first_field_changes_the_arguments() {
    let payload = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Empty" } } } });
    let mut with_empty = document();
    with_empty["paths"]["/things"]["post"]["requestBody"] = payload;
    let mut with_field = with_empty.clone();
    fields(&mut with_field, "Empty")["force"] = json!({ "type": "boolean" });
    let mut without = document();
    remove(&mut without["paths"]["/things"]["post"], "requestBody");

    for (old, new, expected) in [
        (
            &document(),
            &without,
            "operation things.create: body: breaks",
        ),
        (
            &document(),
            &with_empty,
            "operation things.create: body: breaks",
        ),
        (
            &with_empty,
            &with_field,
            "operation things.create: in Rust: breaks",
        ),
    ] {
        let [old, new] = [old, new].map(read_side);
        let pairs = Pairs::of(&old.description, &new.description);
        let mut changes = compare(&old.description, &new.description, &pairs);
        verdict::judge(&old, &new, &pairs, &mut changes);
        assert!(
            lines(&changes).contains(&expected.to_owned()),
            "{changes:?}"
        );
        assert!(
            broken(&changes).contains(&"things::Things::create()".to_owned()),
            "{changes:?}"
        );
    }
}

#[test]
fn another_response_breaks() {
    let changes = changes(|document| {
        let response = &mut document["paths"]["/things"]["post"]["responses"]["200"]["content"]["application/json"];
        response["schema"] = json!({ "$ref": "#/components/schemas/Part" });
    });
    assert!(
        lines(&changes).contains(&"operation things.create: response: breaks".to_owned()),
        "{changes:?}"
    );
    assert!(
        broken(&changes).contains(&"things::Create::send()".to_owned()),
        "{changes:?}"
    );
}

#[test]
fn what_is_only_said_of_an_operation_breaks_nothing() {
    let changes = changes(|document| {
        let operation = &mut document["paths"]["/shelves/{shelf_id}/things/{id}"]["get"];
        operation["x-stability"] = "stable".into();
        operation["deprecated"] = true.into();
        document["paths"]["/things"]["post"]["x-safe"] = true.into();
    });
    assert_eq!(
        lines(&changes),
        [
            "operation shelves.get: stability: compatible",
            "operation shelves.get: deprecated: compatible",
            "operation things.create: safety: compatible",
        ]
    );
    assert_eq!(Part::of("0.1.0", &changes), Part::Patch);
}

#[test]
fn a_list_of_something_else_breaks_its_stream() {
    let (there, back) = both(|document| {
        document["paths"]["/things"]["get"]["x-page"] = json!({ "items": "other" });
    });
    for changes in [there, back] {
        assert_eq!(lines(&changes), ["operation things.list: page: breaks"]);
        assert_eq!(broken(&changes), ["things::List: Paged"]);
    }
    let gone = changes(|document| {
        let list = &mut document["paths"]["/things"]["get"];
        remove(list, "x-page");
        let page = fields(document, "ThingPage");
        remove(page, "nextPageToken");
    });
    assert!(
        broken(&gone).contains(&"things::List: Paged".to_owned()),
        "{gone:?}"
    );
}

#[test]
fn a_type_that_leaves_a_feature_breaks_those_who_have_it_alone() {
    // `Thing` stays in the crate for the sake of `things`.
    let changes = changes(|document| {
        let get = &mut document["paths"]["/shelves/{shelf_id}/things/{id}"]["get"];
        let content = &mut get["responses"]["200"]["content"]["application/json"];
        content["schema"] = json!({ "$ref": "#/components/schemas/Part" });
    });
    assert!(
        lines(&changes).contains(&"schema Thing: features: breaks".to_owned()),
        "{changes:?}"
    );
}

#[test]
fn documentation_that_lost_its_place_is_told() {
    let changes = {
        let mut before = document();
        fields(&mut before, "Thing")["note"]["description"] = "A line of ours.".into();
        let [old, new] = [&before, &document()].map(read_side);
        compare(
            &old.description,
            &new.description,
            &Pairs::of(&old.description, &new.description),
        )
    };
    assert_eq!(
        lines(&changes),
        ["field Thing.note: documentation lost: compatible"]
    );
}

#[test]
fn the_version_moves_as_cargo_has_it() {
    let breaking = changes(|document| remove(fields(document, "Thing"), "note"));
    let adding =
        changes(|document| fields(document, "Thing")["more"] = json!({ "type": "string" }));
    for (version, changes, part, next) in [
        ("0.1.2", &breaking, Part::Minor, "0.2.0"),
        ("0.1.2", &adding, Part::Patch, "0.1.3"),
        ("1.1.2", &breaking, Part::Major, "2.0.0"),
        ("1.1.2", &adding, Part::Minor, "1.2.0"),
        ("1.1.2", &Vec::new(), Part::None, "1.1.2"),
    ] {
        assert_eq!(Part::of(version, changes), part);
        assert_eq!(part.next(version), next);
    }
    assert!(
        breaking
            .iter()
            .all(|change| change.verdict() == Verdict::Breaks)
    );
    assert!(adding.iter().all(|change| change.what == What::Added));
}
