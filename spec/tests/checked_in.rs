//! What has to hold of the document that is checked in, whichever it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use c1_api_spec::Description;
use c1_api_spec::model::{Method, Safety};

fn description() -> Description {
    c1_api_spec::load(c1_api_spec::DOCUMENT, c1_api_spec::OVERLAY).unwrap()
}

#[test]
fn our_own_output_does_not_change_by_a_byte() {
    let ours = c1_api_spec::DOCUMENT;
    assert!(
        c1_api_spec::import(ours).unwrap() == ours,
        "run `cargo xtask spec import` on the vendor's document"
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
    for id in reviewed.keys() {
        // Of another document, or no longer there.
        println!("{id}: reviewed, but not in the description");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
