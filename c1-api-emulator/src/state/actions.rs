//! Actions that set fields of objects, which no convention tells.

use serde_json::{Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::engine::selection;
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

const RULE: &str = "AppEntitlementRoutingRule";
const DOMAIN: &str = "OrgDomain";
const FINDING: &str = "Finding";
const INVITATION: &str = "LocalUserInvitation";

/// The kinds of objects without which these do nothing.
pub(super) const RULE_KINDS: &[&str] = &[RULE];
pub(super) const DOMAIN_KINDS: &[&str] = &[DOMAIN];
pub(super) const FINDING_KINDS: &[&str] = &[FINDING];
pub(super) const INVITATION_KINDS: &[&str] = &[INVITATION];

pub(super) const RULE_HANDLERS: &[Entry] = &[(
    "app_entitlement_routing_rule.reorder",
    "/api/v1/apps/{app_id}/entitlement_configuration_rules/reorder",
    reorder_rules,
)];
pub(super) const DOMAIN_HANDLERS: &[Entry] =
    &[("org_domain.update", "/api/v1/settings/domains", set_domains)];
pub(super) const FINDING_HANDLERS: &[Entry] = &[(
    "finding.update_state",
    "/api/v1/findings/{finding_id}/state",
    move_finding,
)];
pub(super) const INVITATION_HANDLERS: &[Entry] = &[(
    "local_user_invitation.revoke",
    "/api/v1/local-directory-configs/{directory_app_id}/invitations/{id}/revoke",
    revoke_invitation,
)];

/// Fields of an action, and those of the object that it sets.
type Fields = &'static [(&'static str, &'static str)];

/// The actions on findings: the state that each leads to, and the fields of the finding that it sets from its own.
const MOVES: [(&str, &str, Fields); 6] = [
    (
        "acceptRisk",
        "RISK_ACCEPTED",
        &[
            ("expiresAt", "riskAcceptanceExpiresAt"),
            ("justification", "riskAcceptanceJustification"),
        ],
    ),
    ("reopen", "OPEN", &[]),
    ("resolve", "RESOLVED", &[]),
    (
        "snooze",
        "SNOOZED",
        &[("reason", "snoozeReason"), ("snoozeUntil", "snoozeUntil")],
    ),
    ("suppress", "SUPPRESSED", &[("reason", "suppressReason")]),
    ("unsuppress", "OPEN", &[]),
];

/// The rules get priorities in the order of the request, which has each rule of the app once.
fn reorder_rules(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let app = call.path("app_id");
    state.find_by_id("App", app)?;
    let ids = call.body().texts("ruleIds");
    let rules = state.all(RULE).filter(|rule| rule.text("appId") == app);
    let mut rules: Vec<_> = rules.cloned().collect();
    let place = |rule: &Row| ids.iter().position(|id| *id == rule.text("id"));
    if ids.len() != rules.len() || rules.iter().any(|rule| place(rule).is_none()) {
        let expected = "the id of each rule of the app, once";
        return Err(Status::invalid_field("ruleIds", expected));
    }
    rules.sort_by_key(place);
    for (place, rule) in (1_u32..).zip(&mut rules) {
        rule.set("priority", place);
        *rule = state.store(RULE, rule.clone(), &call.timestamp())?;
    }
    let rules = rules.iter().map(|rule| Value::Object(rule.fields()));
    Ok(json!({ "list": rules.collect::<Vec<_>>() }))
}

/// Replaces the domains. Those that are there already stay.
fn set_domains(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let (new, now) = (call.body().texts("newDomains"), call.timestamp());
    let gone = state.all(DOMAIN);
    let gone = gone.filter(|row| !new.contains(&row.text("domain")));
    for row in gone.cloned().collect::<Vec<_>>() {
        state.remove(DOMAIN, &row, &now);
    }
    for domain in new {
        if state.all(DOMAIN).all(|row| row.text("domain") != domain) {
            state.insert(DOMAIN, Row::of([("domain", domain)]), &now)?;
        }
    }
    let domains = state.all(DOMAIN).map(|row| Value::Object(row.fields()));
    Ok(json!({ "list": domains.collect::<Vec<_>>() }))
}

fn move_finding(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut finding = state.find_by_id(FINDING, call.path("finding_id"))?.clone();
    let actions = MOVES.iter();
    let mut actions = actions.filter(|(action, ..)| call.value(action).is_some());
    let (action, moved, fields) = actions
        .next()
        .ok_or_else(|| Status::invalid_field("resolve", "this or another action"))?;
    let details = call.object(action);
    for (field, own) in *fields {
        finding.set(own, details.text(field));
    }
    if *action == "resolve" {
        finding.set("resolvedAt", call.timestamp());
    }
    finding.set("state", format!("FINDING_STATE_{moved}"));
    if let Ok(me) = state.me(call) {
        finding.set("stateUpdatedById", me.text("id"));
    }
    let finding = state.store(FINDING, finding, &call.timestamp())?;
    Ok(json!({ "finding": state.fields(FINDING, &finding) }))
}

fn revoke_invitation(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let key = selection([
        ("directoryAppId", call.path("directory_app_id")),
        ("id", call.path("id")),
    ]);
    let mut invitation = state.find(INVITATION, &key)?.clone();
    invitation.set("status", "LOCAL_INVITATION_STATUS_REVOKED");
    let invitation = state.store(INVITATION, invitation, &call.timestamp())?;
    Ok(json!({ "invitation": invitation.fields() }))
}
