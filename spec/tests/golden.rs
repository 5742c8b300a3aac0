//! Golden facts: the description of this repository, and the vendor's document where it is at hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use c1_api_spec::check::Counts;
use c1_api_spec::model::{Method, PageToken, Payload, Safety, Stability, Type};
use c1_api_spec::select::select;
use c1_api_spec::{Description, emit, normalize, read};

fn description() -> Description {
    c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY).unwrap()
}

/// The vendor's document, which is not part of this repository.
fn upstream() -> Option<String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/upstream/openapi.yaml");
    let path = std::env::var_os("C1_UPSTREAM_SPEC").map_or(beside, PathBuf::from);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("skipped: the vendor's document is not at hand (C1_UPSTREAM_SPEC)");
    }
    text
}

/// JSON of a message.
fn message(name: &str) -> Payload {
    Payload::json(Type::Ref(name.to_owned()))
}

#[test]
fn counts() {
    let counts = Counts::of(&description());
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
    let description = description();
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

/// The first words of names that promise to read and nothing else, behind a `batch_` too.
const READS: &[&str] = &[
    "browse", "count", "describe", "fetch", "find", "get", "list", "lookup", "query", "read",
    "search", "view",
];

/// First words that leave it open whether anything happens besides.
const OPEN: &[&str] = &[
    "analyze", "check", "compare", "compute", "diff", "discover", "estimate", "evaluate",
    "explain", "lint", "parse", "preview", "probe", "simulate", "test", "validate", "verify",
];

/// The POSTs whose names do not decide, each with what was decided: whether it is marked as safe.
const REVIEWED: &[(&str, bool)] = &[
    // Evaluates an expression in the tenant; what such an expression can call is not described.
    ("account_provision_policy_test.test", false),
    // From the text of a configuration to remarks on it.
    ("connector.validate_http_config", true),
    // The form by which a connector of a kind is set up.
    ("connector_catalog.configuration_schema", true),
    // Runs the function's tests.
    ("functions.test", false),
    // These two turn to an address of the caller's choice.
    ("mcp_server.discover_oidc_endpoints", false),
    ("mcp_server.test_connection", false),
    // Uses up a view: the answer says how many remain.
    ("paper_secret.get_content", false),
    // From the text of an expression to remarks on it.
    ("policy_validate.validate_cel", true),
    // An address against ranges, both of them arguments.
    ("session_settings.test_source_ip", true),
    // Fetches the keys of another system.
    ("ssf_receiver_stream.test", false),
    // A document to the configuration that it implies.
    ("sso_application.parse_saml_service_provider_metadata", true),
    // Begins a sign-in.
    ("step_up_provider.test", false),
    // Sends a mail.
    ("tenant_email_provider.test", false),
    // The caller's own profile.
    ("user.introspect", true),
    // Calls the webhook.
    ("webhooks.test", false),
    // An expression on claims, both of them arguments.
    ("workload_federation.test_cel", true),
    // Verifies a token, for which it may fetch the issuer's keys.
    ("workload_federation.test_token", false),
];

/// Which POSTs only read is for people to say. Where this fails after an import, read what the operation does, then
/// mark it in the overlay (`x-safe`) or not, and if its name does not decide, say so in [`REVIEWED`].
#[test]
fn every_post_that_only_reads_is_marked_and_no_other() {
    let description = description();
    let mut reviewed: BTreeMap<_, _> = REVIEWED.iter().copied().collect();
    assert_eq!(reviewed.len(), REVIEWED.len(), "each once");
    let posts = description
        .operations
        .iter()
        .filter(|operation| operation.method == Method::Post);
    let mut problems = Vec::new();
    for post in posts {
        let id = post.id();
        let name = post.name.trim_start_matches("batch_");
        let begins = |words: &[&str]| words.contains(&name.split('_').next().unwrap());
        let marked = post.safety == Safety::Safe;
        match reviewed.remove(id.as_str()) {
            Some(decided) if decided == marked => {}
            Some(_) => problems.push(format!("{id}: marked {marked}, decided otherwise")),
            None if begins(OPEN) => problems.push(format!("{id}: not reviewed")),
            None if begins(READS) != marked => {
                problems.push(format!("{id}: marked {marked}, its name says otherwise"));
            }
            None => {}
        }
    }
    problems.extend(reviewed.keys().map(|id| format!("{id}: no such POST")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The names that repeat their group's name lose it, and keep the vendor's for whoever looks for that.
#[test]
fn no_operation_repeats_its_groups_name() {
    let description = description();
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
    let description = description();
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

#[test]
fn our_own_output_does_not_change_by_a_byte() {
    let ours = c1_api_spec::DOCUMENT;
    assert!(
        c1_api_spec::import(ours).unwrap() == ours,
        "run `cargo xtask spec import` on the vendor's document"
    );
}

#[test]
fn the_vendors_document_gives_what_is_committed() {
    let Some(vendor) = upstream() else { return };
    let origin = description().origin.expect("the import records its file");
    assert_eq!(origin.size, vendor.len() as u64);
    assert!(
        c1_api_spec::import_file(&vendor, origin).unwrap() == c1_api_spec::DOCUMENT,
        "spec/openapi.yaml is not what the import gives"
    );
}

/// No run of six words of the vendor's prose is in what we carry.
#[test]
fn no_sentence_of_the_vendors_is_kept() {
    let Some(vendor) = upstream() else { return };
    let mut sentences = Vec::new();
    collect_prose(&read::read(&vendor).unwrap(), false, &mut sentences);
    assert!(
        sentences.len() > 5000,
        "found {} pieces of prose",
        sentences.len()
    );
    let ours = [c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY].concat();
    let ours: Vec<_> = ours.split_whitespace().collect();
    let ours: HashSet<&[&str]> = ours.windows(6).collect();
    for sentence in sentences {
        // The members of oneof groups are listed in prose; those names are facts.
        let lines = sentence
            .lines()
            .filter(|line| !line.trim_start().starts_with("- "));
        let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
        for run in words.windows(6) {
            assert!(!ours.contains(run), "from the vendor: {run:?}");
        }
    }
}

fn collect_prose(value: &serde_json::Value, names: bool, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match (names, value.as_str()) {
                    (false, Some(text))
                        if matches!(key.as_str(), "description" | "title" | "summary") =>
                    {
                        out.push(text.to_owned());
                    }
                    _ => collect_prose(
                        value,
                        matches!(key.as_str(), "properties" | "schemas") && !names,
                        out,
                    ),
                }
            }
        }
        serde_json::Value::Array(values) => values
            .iter()
            .for_each(|value| collect_prose(value, false, out)),
        _ => {}
    }
}

/// The build reads the vendor's document directly, too: prose and all, the same interface.
#[test]
fn the_vendors_document_builds_directly() {
    let Some(vendor) = upstream() else { return };
    let mut direct = c1_api_spec::load(&vendor, c1_api_spec::OVERLAY).unwrap();
    assert!(
        direct
            .operations
            .iter()
            .filter(|operation| operation.doc.is_some())
            .count()
            > 600
    );
    let mut ours = description();
    // Only an import records its file.
    assert_eq!(direct.origin, None);
    direct.origin.clone_from(&ours.origin);
    emit::drop_prose(&mut direct);
    emit::drop_prose(&mut ours);
    assert!(direct == ours);
    let plain = normalize::normalize(&read::read(c1_api_spec::DOCUMENT).unwrap()).unwrap();
    assert_eq!(plain.operations.len(), direct.operations.len());
}

/// Prose that sends a reader to another operation uses the name that it has in Rust.
#[test]
fn the_overlay_names_operations_that_exist() {
    let description = description();
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
