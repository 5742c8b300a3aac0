//! Golden facts of one document of the vendor's: the one that `spec/openapi.yaml` was imported from when they were
//! written. While it is of another one, all of this is skipped, and says so. Then check the facts, and change [`FILE`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::io::{Write as _, stderr};

use c1_api_spec::Description;
use c1_api_spec::check::Counts;
use c1_api_spec::model::{Method, PageToken, Payload, Stability, Type};
use c1_api_spec::select::select;

/// The SHA-256 of the vendor's file that these are facts of.
const FILE: &str = "f2cf3228f3665105df799e86f23d73ec92a4fe0a93f0bfcc325972a48427af96";

/// The description, if it is of that file.
fn description() -> Option<Description> {
    let description = c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY).unwrap();
    let file = description.origin.as_ref();
    let file = file.map_or("nothing that is recorded", |origin| &origin.sha256);
    if file == FILE {
        return Some(description);
    }
    // Not by `eprintln`, which tests that pass do not show.
    let line =
        format!("skipped: golden facts of the file {FILE}; spec/openapi.yaml is of {file}\n");
    stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// JSON of a message.
fn message(name: &str) -> Payload {
    Payload::json(Type::Ref(name.to_owned()))
}

#[test]
fn counts() {
    let Some(description) = description() else {
        return;
    };
    let counts = Counts::of(&description);
    for (name, expected) in [
        ("paths", 429),
        ("operations", 638),
        ("groups", 133),
        ("messages", 1955),
        ("enum sites", 427),
        ("shared enums", 226),
        ("oneof groups", 156),
        ("messages with oneof groups", 140),
        ("paged operations", 168),
        ("paged by body", 60),
        ("paged by query", 84 + 24),
        ("paged without a parameter", 0),
        ("query parameters of ours", 48),
        ("required fields", 62),
        ("deprecated operations", 1),
        ("fields with a sunset", 1),
        ("operations with a stability", 89 + 13 + 1 + 4),
        ("POSTs", 303),
        ("POSTs that only read", 71),
        ("values: timestamp", 439),
        ("values: duration", 60),
        ("values: any", 79),
        ("values: uint64", 29),
    ] {
        assert_eq!(counts.get(name), expected, "{name}");
    }
}

#[test]
fn a_handful_of_operations() {
    let Some(description) = description() else {
        return;
    };
    let create = description.operation("app_entitlements.create").unwrap();
    assert_eq!(
        (create.method, create.path.as_str()),
        (Method::Post, "/api/v1/apps/{app_id}/entitlements")
    );
    assert_eq!(create.body, Some(message("CreateAppEntitlementRequest")));
    assert_eq!(
        create.response.payload,
        Some(message("CreateAppEntitlementResponse"))
    );

    let owner = description
        .operation("app_entitlement_owners_v2.create_entitlement_owner")
        .unwrap();
    let names: Vec<_> = owner
        .path_parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "app_id",
            "entitlement_id",
            "role_slug",
            "app_entitlement_ref_app_id",
            "app_entitlement_ref_id"
        ]
    );

    let list = description.operation("apps.list").unwrap();
    assert_eq!(list.query_parameters[0].ty, Type::Int32);
    assert_eq!(
        list.page
            .as_ref()
            .map(|page| (page.items.as_str(), page.token)),
        Some(("list", PageToken::Query))
    );

    let search = description
        .operation("app_entitlement_search.search")
        .unwrap();
    assert_eq!(
        search.page.as_ref().map(|page| page.token),
        Some(PageToken::Body)
    );

    // The vendor lists no page parameter here; the overlay adds them.
    let executions = description.operation("automation_execution.list").unwrap();
    assert_eq!(
        executions.page.as_ref().map(|page| page.items.as_str()),
        Some("automationExecutions")
    );
    assert!(
        executions
            .query_parameters
            .iter()
            .all(|parameter| parameter.ours)
    );

    let get = description.operation("automation_execution.get").unwrap();
    assert_eq!(get.path_parameters[0].ty, Type::Int64);
    assert!(
        description
            .operations
            .iter()
            .any(|operation| operation.stability == Some(Stability::Beta))
    );
    assert!(
        description
            .operation("ui_conversations.ensure_onboarding_session")
            .unwrap()
            .path
            .ends_with("onboarding:ensure")
    );
}

/// The names that repeat their group's name lose it, and keep the vendor's for whoever looks for that.
#[test]
fn no_operation_repeats_its_groups_name() {
    let Some(description) = description() else {
        return;
    };
    let renamed = description
        .operations
        .iter()
        .filter(|operation| operation.vendor_name.is_some());
    assert_eq!(renamed.count(), 72);
    for (id, vendor) in [
        (
            "app_entitlement_monitor_binding.create",
            "create_app_entitlement_monitor_binding",
        ),
        ("functions.list", "list_functions"),
        ("user.get_profile_types", "get_user_profile_types"),
    ] {
        let operation = description.operation(id).unwrap();
        assert_eq!(operation.vendor_name.as_deref(), Some(vendor));
    }
}

#[test]
fn a_handful_of_schemas() {
    let Some(description) = description() else {
        return;
    };
    let proto = |name: &str| description.schemas[name].proto.clone().unwrap();
    assert_eq!(
        proto("AppAccessRequestDefaults"),
        "c1.api.app.v1.AppAccessRequestDefaults"
    );
    assert_eq!(
        proto("AppAccessRequestDefaultsInput"),
        "c1.api.app.v1.AppAccessRequestDefaultsInput"
    );
    let mut reachable = description.clone();
    select(&mut reachable, |_| true, false);
    let unreachable = description
        .schemas
        .iter()
        .filter(|(name, _)| !reachable.schemas.contains_key(*name));
    let unreachable: Vec<_> = unreachable
        .filter_map(|(_, schema)| schema.proto.as_deref())
        .collect();
    assert_eq!(
        unreachable.len(),
        18,
        "the twelve payloads of webhooks and what they lead to"
    );
    assert!(
        unreachable
            .iter()
            .all(|proto| proto.starts_with("c1.webhooks.v1.")),
        "{unreachable:?}"
    );
    assert_eq!(
        description.message("DynamicString").unwrap().oneofs["value"],
        ["literal", "path", "call"]
    );
    assert!(
        description
            .message("PersonalClientServiceCreateResponse")
            .unwrap()
            .fields["clientSecret"]
            .sensitive
    );
    let binding = &description
        .message("CreateAppEntitlementMonitorBindingRequest")
        .unwrap()
        .fields;
    assert_eq!(
        binding["entitlementGroup"].ty,
        Type::Ref("EntitlementGroup".to_owned())
    );
    assert!(description.message("CreateAppRequest").unwrap().fields["displayName"].required);
}

/// Prose that sends a reader to another operation uses the name that it has in Rust.
#[test]
fn the_overlay_names_operations_that_exist() {
    let Some(description) = description() else {
        return;
    };
    let quoted = c1_api_spec::OVERLAY.split('`').skip(1).step_by(2);
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let mut references = 0;
    for text in quoted {
        if let Some((group, name)) = text.split_once('.')
            && is_word(group)
            && is_word(name)
        {
            references += 1;
            assert!(
                description.operation(text).is_some(),
                "no operation `{text}`"
            );
        }
    }
    assert!(references > 20, "only {references} references were found");
}
