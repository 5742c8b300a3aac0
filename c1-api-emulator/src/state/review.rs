//! Access reviews: what they are about, and the tasks that ask whether access stays.
//!
//! How C1 starts a review is not known. Here it starts when an update sets its state to `ACCESS_REVIEW_STATE_OPEN`: each
//! grant of its entitlements gets a certify task. `ACCESS_REVIEW_STATE_CLOSED` cancels those that are open. A scope that
//! narrows the grants is kept; a review with such a scope cannot be started, as it would ask about the wrong ones.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::by_hand::Entry;
use super::call::Call;
use super::expand::Expansion;
use super::grant::{GRANT, in_app};
use super::row::Row;
use super::{HandlerResult, State, planned, respond};
use crate::status::Status;

const REVIEW: &str = "AccessReview";
const OPEN: &str = "ACCESS_REVIEW_STATE_OPEN";
const CLOSED: &str = "ACCESS_REVIEW_STATE_CLOSED";

/// The members of a scope that narrow nothing.
const WIDE: [&str; 5] = [
    "allAccounts",
    "allGrants",
    "allUsers",
    "appAccess",
    "principalTypeFilter",
];

/// What reviews and templates of reviews are about.
struct Setup {
    /// The kind of what has the entitlements, the parameter of the path with its id, and its field with the scope.
    of: &'static str,
    parameter: &'static str,
    scope: &'static str,
    /// The kind of an entitlement of it, the field with the id of what has it, and the view with its field.
    kind: &'static str,
    id: &'static str,
    view: (&'static str, &'static str),
}

const CAMPAIGN: Setup = Setup {
    of: REVIEW,
    parameter: "access_review_id",
    scope: "scopeV2",
    kind: "AccessReviewSetupEntitlement",
    id: "accessReviewId",
    view: (
        "AccessReviewSetupEntitlementView",
        "accessReviewEntitlement",
    ),
};

const TEMPLATE: Setup = Setup {
    of: "AccessReviewTemplate",
    parameter: "access_review_template_id",
    scope: "scope",
    kind: "AccessReviewTemplateSetupEntitlement",
    id: "accessReviewTemplateId",
    view: (
        "AccessReviewTemplateSetupEntitlementView",
        "accessReviewTemplateEntitlement",
    ),
};

/// The kinds of objects without which nothing here works.
pub(super) const KINDS: &[&str] = &[
    REVIEW,
    CAMPAIGN.kind,
    TEMPLATE.of,
    TEMPLATE.kind,
    "App",
    "AppEntitlement",
    "AppResourceType",
    "Task",
    GRANT,
];

pub(super) const HANDLERS: &[Entry] = &[
    ("access_review.update", "/api/v1/access_review/{id}", update),
    (
        "access_review_setup_entitlement.get_campaign_scope_and_entitlements",
        "/api/v1/access_review/{access_review_id}/scope_and_entitlements",
        |state, call| CAMPAIGN.get(state, call),
    ),
    (
        "access_review_setup_entitlement.set_campaign_scope_and_entitlements",
        "/api/v1/access_review/{access_review_id}/scope_and_entitlements",
        |state, call| CAMPAIGN.set(state, call),
    ),
    (
        "access_review_setup_entitlement.set_campaign_scope_by_resource_type",
        "/api/v1/access_review/{access_review_id}/scope_by_resource_type",
        |state, call| CAMPAIGN.set_by_type(state, call),
    ),
    (
        "access_review_template_setup_entitlement.get_scope_and_entitlements",
        "/api/v1/access_review_template/{access_review_template_id}/scope_and_entitlements",
        |state, call| TEMPLATE.get(state, call),
    ),
    (
        "access_review_template_setup_entitlement.set_scope_and_entitlements",
        "/api/v1/access_review_template/{access_review_template_id}/scope_and_entitlements",
        |state, call| TEMPLATE.set(state, call),
    ),
    (
        "access_review_template_setup_entitlement.set_scope_by_resource_type",
        "/api/v1/access_review_template/{access_review_template_id}/scope_by_resource_type",
        |state, call| TEMPLATE.set_by_type(state, call),
    ),
];

impl Setup {
    /// What has the entitlements: the review or the template of the path.
    fn owner<'s>(&self, state: &'s State, call: &Call<'_>) -> Result<&'s Row, Status> {
        state.find_by_id(self.of, call.path(self.parameter))
    }

    fn get(&self, state: &State, call: &Call<'_>) -> HandlerResult {
        let owner = self.owner(state, call)?;
        let id = owner.text("id");
        let mut expansion = Expansion::new(state, call);
        let rows = state.listed(self.kind, call, |row| row.text(self.id) == id);
        let list =
            rows.map(|row| respond::in_view(state, self.kind, self.view, row, &mut expansion));
        let list: Vec<_> = list.collect();
        let mut response = Map::new();
        response.insert("list".to_owned(), json!(list));
        response.insert(self.scope.to_owned(), json!(owner.0.get(self.scope)));
        expansion.finish(&mut response);
        Ok(Value::Object(response))
    }

    fn set(&self, state: &mut State, call: &Call<'_>) -> HandlerResult {
        let named = call.objects("entitlements").into_iter().map(|one| {
            let key = in_app(one.text("appId"), one.text("appEntitlementId"));
            Ok(state.find("AppEntitlement", &key)?.clone())
        });
        let named = named.collect::<Result<Vec<_>, Status>>()?;
        self.replace(state, call, &named)?;
        self.get(state, call)
    }

    /// The entitlements are those that the types of resources have now.
    fn set_by_type(&self, state: &mut State, call: &Call<'_>) -> HandlerResult {
        let mut types = BTreeSet::new();
        for one in call.objects("resourceTypeSelections") {
            let key = ["appId", "resourceTypeId"].map(|field| one.text(field).to_owned());
            state.find("AppResourceType", &in_app(&key[0], &key[1]))?;
            types.insert(key);
        }
        let entitlements = state.all("AppEntitlement").filter(|one| {
            let key = ["appId", "appResourceTypeId"].map(|field| one.text(field).to_owned());
            types.contains(&key)
        });
        let entitlements: Vec<_> = entitlements.cloned().collect();
        self.replace(state, call, &entitlements)?;
        Ok(json!({}))
    }

    /// Replaces the scope by that of the request, and the entitlements. What is in it already stays.
    fn replace(&self, state: &mut State, call: &Call<'_>, new: &[Row]) -> Result<(), Status> {
        let mut owner = self.owner(state, call)?.clone();
        let (id, now) = (owner.text("id").to_owned(), call.timestamp());
        match call.value(self.scope) {
            Some(scope) => owner.set(self.scope, scope),
            None => drop(owner.0.shift_remove(self.scope)),
        }
        state.store(self.of, owner, &now)?;
        let key = |row: &Row, id: &str| ["appId", id].map(|field| row.text(field).to_owned());
        let mut missing: BTreeSet<_> = new.iter().map(|row| key(row, "id")).collect();
        let old = state.all(self.kind).filter(|row| row.text(self.id) == id);
        let (_, gone): (Vec<_>, Vec<_>) = old
            .cloned()
            .partition(|row| missing.remove(&key(row, "appEntitlementId")));
        for row in gone {
            state.remove(self.kind, &row, &now);
        }
        for one in new.iter().filter(|row| missing.remove(&key(row, "id"))) {
            let mut row = Row::of([(self.id, &id), ("appEntitlementId", one.text("id"))]);
            for field in ["appId", "appResourceId", "appResourceTypeId"] {
                row.set(field, one.text(field));
            }
            state.insert(self.kind, row, &now)?;
        }
        Ok(())
    }
}

/// Updates a review, which starts or ends it if that sets its state.
fn update(state: &mut State, call: &Call<'_>) -> HandlerResult {
    let before = state.find_by_id(REVIEW, call.path("id"))?.clone();
    let plan = Arc::clone(&state.plan);
    state.by_convention(call)?;
    let review = state.find_by_id(REVIEW, call.path("id"))?.clone();
    let moved = state.move_review(before.text("state"), review, call);
    // What cannot be started stays as it was.
    let review = moved.or_else(|status| {
        state.store(REVIEW, before, &call.timestamp())?;
        Err(status)
    })?;
    let review = state.store(REVIEW, review, &call.timestamp())?;
    Ok(respond::one(state, planned(&plan, call)?, call, &review))
}

impl State {
    /// Does what a state that is another one than before means, and returns the review with what that sets.
    fn move_review(
        &mut self,
        before: &str,
        mut review: Row,
        call: &Call<'_>,
    ) -> Result<Row, Status> {
        match review.text("state") {
            now if now == before => {}
            OPEN => {
                let count = self.start_review(&review, call)?;
                review.set("startedAt", call.timestamp());
                review.set("expectedTicketCount", count);
            }
            CLOSED => {
                self.cancel_certifications(review.text("id"), call)?;
                review.set("closedAt", call.timestamp());
            }
            _ => {}
        }
        Ok(review)
    }

    /// Opens a certify task for each grant that the review is about, and returns how many.
    fn start_review(&mut self, review: &Row, call: &Call<'_>) -> Result<usize, Status> {
        let scope = review.0.get(CAMPAIGN.scope).and_then(Value::as_object);
        let mut scope = scope.into_iter().flatten();
        if scope.any(|(name, value)| !value.is_null() && !WIDE.contains(&name.as_str())) {
            return Err(Status::no_filter(CAMPAIGN.scope));
        }
        self.expire_grants(call.now);
        let of_review = self
            .all(CAMPAIGN.kind)
            .filter(|row| row.text(CAMPAIGN.id) == review.text("id"));
        let wanted: BTreeSet<_> = of_review
            .map(|row| ["appId", "appEntitlementId"].map(|field| row.text(field)))
            .collect();
        let wanted = |grant: &&Row| {
            wanted.contains(&["appId", "appEntitlementId"].map(|field| grant.text(field)))
        };
        let grants: Vec<_> = self.all(GRANT).filter(wanted).cloned().collect();
        self.open_certifications(review, &grants, call)?;
        Ok(grants.len())
    }
}
