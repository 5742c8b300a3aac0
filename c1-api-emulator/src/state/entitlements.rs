//! App entitlements.

use serde_json::{Value, json};

use super::apps::uses_policy;
use super::call::Call;
use super::expand::{Expansion, page_response};
use super::row::Row;
use super::{HandlerResult, State};
use crate::status::Status;

pub(super) fn list(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let app = call.path("app_id");
    state.apps.get(&[app])?;
    page(state, call, |entitlement| entitlement.text("appId") == app)
}

pub(super) fn search(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let body = call.body();
    let [refs, excluded, policies] =
        ["refs", "excludedEntitlementRefs", "policyRefs"].map(|name| call.objects(name));
    let is_one_of = |refs: &[Row], row: &Row| {
        refs.iter()
            .any(|one| one.text("appId") == row.text("appId") && one.text("id") == row.text("id"))
    };
    let same_if_set = |wanted: &str, value: &str| wanted.is_empty() || wanted == value;
    // The emulator has no grants and no access reviews, so filters on them match nothing.
    let needs_grants = body.flag("onlyGetExpiring")
        || ["appUserIds", "resourceTraitIds"]
            .iter()
            .any(|name| !body.texts(name).is_empty());
    let matches_nothing = needs_grants || !body.text("accessReviewId").is_empty();
    page(state, call, |row| {
        !matches_nothing
            && call.includes("appIds", row.text("appId"))
            && !call.excludes("excludeAppIds", row.text("appId"))
            && (refs.is_empty() || is_one_of(&refs, row))
            && !is_one_of(&excluded, row)
            && same_if_set(body.text("alias"), row.text("alias"))
            && same_if_set(body.text("displayName"), row.text("displayName"))
            && call.includes("resourceIds", row.text("appResourceId"))
            && call.includes("resourceTypeIds", row.text("appResourceTypeId"))
            && !call.excludes("excludeResourceTypeIds", row.text("appResourceTypeId"))
            && call.includes("riskLevelIds", row.text("riskLevelValueId"))
            && call.includes("requestSchemaIds", row.text("requestSchemaId"))
            && call.includes_any(
                "complianceFrameworkIds",
                &row.texts("complianceFrameworkValueIds"),
            )
            && uses_policy(row, &policies)
            && (!body.flag("isAutomated") || row.flag("isAutomationEnabled"))
            && (!body.flag("excludeImmutable") || !row.flag("systemBuiltin"))
            && body.text("sourceConnectorId").is_empty()
            && row.matches_query(body.text("query"), &["displayName", "description"])
    })
}

fn page(state: &State, call: &Call<'_>, keep: impl Fn(&Row) -> bool) -> HandlerResult {
    let page = state.entitlements.page(call, keep)?;
    Ok(page_response(state, call, page, view))
}

fn view(state: &State, row: &Row, expansion: &mut Expansion<'_>) -> Value {
    let app = expansion.add("app_id", "App", state.apps.get(&[row.text("appId")]));
    json!({ "appEntitlement": row.0, "appPath": app })
}

fn response(state: &State, call: &Call<'_>, row: &Row) -> Value {
    let mut expansion = Expansion::new(&state.description, call);
    let view = view(state, row, &mut expansion);
    json!({ "appEntitlementView": view, "expanded": expansion.finish() })
}

pub(super) fn create(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let mut row = Row::of([("appId", call.path("app_id"))]);
    state.copy_request_fields(&mut row, "AppEntitlement", call);
    // The policy has different names in the request and in the entitlement.
    if let Some(policy) = call
        .body()
        .0
        .get("provisionPolicy")
        .filter(|policy| !policy.is_null())
    {
        row.set("provisionerPolicy", policy.clone());
    }
    let row = state.add_entitlement(row, &call.timestamp())?;
    Ok(response(state, call, &row))
}

pub(super) fn get(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let row = state
        .entitlements
        .get(&[call.path("app_id"), call.path("id")])?;
    Ok(response(state, call, row))
}

pub(super) fn update(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let (app, id) = (call.path("app_id"), call.path("id"));
    let mut row = state.entitlements.get(&[app, id])?.clone();
    let patch = call.object("entitlement");
    row.update(
        &state.description,
        "AppEntitlement",
        &patch.0,
        call.body().text("updateMask"),
    )?;
    // The app is given by the path.
    row.set("appId", app);
    if call.body().flag("overrideAccessRequestsDefaults") {
        row.set("overrideAccessRequestsDefaults", true);
    }
    state.ensure_unique_entitlement(&row)?;
    row.set("updatedAt", call.timestamp());
    state.entitlements.replace(&[app, id], row.clone());
    Ok(response(state, call, &row))
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> HandlerResult {
    state
        .entitlements
        .remove(&[call.path("app_id"), call.path("id")])?;
    state.drop_orphans();
    Ok(json!({}))
}

impl State {
    /// Assigns an id to an entitlement of the app in `appId` and stores it.
    pub(super) fn add_entitlement(&mut self, mut row: Row, now: &str) -> Result<Row, Status> {
        let app = row.text("appId").to_owned();
        self.apps.get(&[&app])?;
        self.ensure_unique_entitlement(&row)?;
        let id = self.ids.id();
        for (name, value) in [("id", id.as_str()), ("createdAt", now), ("updatedAt", now)] {
            row.set(name, value);
        }
        row.set("isManuallyManaged", true);
        self.entitlements.insert(&[&app, &id], row.clone())?;
        Ok(row)
    }

    fn ensure_unique_entitlement(&self, row: &Row) -> Result<(), Status> {
        let same = |other: &Row, name: &str| other.text(name) == row.text(name);
        self.entitlements.ensure_none(|other| {
            let same_name = same(other, "appId") && same(other, "displayName");
            let same_alias = !row.text("alias").is_empty() && same(other, "alias");
            !same(other, "id") && (same_name || same_alias)
        })
    }
}
