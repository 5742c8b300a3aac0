//! Certify tasks: of each grant that a review is about, whether it stays.
//!
//! One that is denied ends its grant: at once if the policy says so (`certifyRemediateImmediately`), or by a revoke task.

use serde_json::{Value, json};

use super::super::State;
use super::super::call::Call;
use super::super::grant::in_app;
use super::super::row::Row;
use super::outcome::End;
use super::{OPEN, TASK, create, of_type, text};
use crate::status::Status;

impl State {
    /// Opens a task for each of the grants.
    pub(in super::super) fn open_certifications(
        &mut self,
        review: &Row,
        grants: &[Row],
        call: &Call<'_>,
    ) -> Result<(), Status> {
        let tasks: Vec<_> = grants
            .iter()
            .map(|grant| self.certification(review, grant))
            .collect();
        // Before the first is open, so that a failure changes no task.
        if tasks.iter().any(|task| self.policy_of(task).is_none()) {
            return Err(Status::failed_precondition(
                "the review has no policy: expected one in policyId, or one for each of its entitlements",
            ));
        }
        for task in tasks {
            create::open(self, call, task)?;
        }
        Ok(())
    }

    /// The task about a grant.
    fn certification(&self, review: &Row, grant: &Row) -> Value {
        let [app, id, account] =
            ["appId", "appEntitlementId", "appUserId"].map(|field| grant.text(field));
        let found = self.find("AppUser", &in_app(app, account));
        let of_account = |field| {
            let found = found.as_ref();
            found.map(|found| found.text(field)).unwrap_or_default()
        };
        let user = of_account("identityUserId");
        let entitlement = self.find("AppEntitlement", &in_app(app, id));
        let entitlement = entitlement.map(|found| found.text("displayName"));
        json!({
            "displayName": format!(
                "Certify {} of {}",
                entitlement.unwrap_or_default(),
                of_account("displayName")
            ),
            "userId": user,
            "type": { "certify": {
                "accessReviewId": review.text("id"),
                "appId": app,
                "appEntitlementId": id,
                "appUserId": account,
                "identityUserId": user,
            }},
        })
    }

    /// Cancels the tasks of a review that are open.
    pub(in super::super) fn cancel_certifications(
        &mut self,
        review: &str,
        call: &Call<'_>,
    ) -> Result<(), Status> {
        let open = self.all(TASK).filter(|task| task.text("state") == OPEN);
        let open = open.map(|task| Value::Object(task.0.clone()));
        let open: Vec<_> = open
            .filter(|task| of_type(task, "accessReviewId") == review)
            .collect();
        for mut task in open {
            self.end(&mut task, End::Cancelled, call);
            self.save(task, call)?;
        }
        Ok(())
    }

    /// Ends the grant of a task that was denied.
    pub(super) fn remediate(&mut self, task: &Value, call: &Call<'_>) {
        let [app, entitlement, account] =
            ["appId", "appEntitlementId", "appUserId"].map(|field| of_type(task, field));
        let Some(grant) = self.grant(app, entitlement, account).cloned() else {
            return;
        };
        let id = text(task, "/id");
        let actions = task["policy"]["policy"]["postActions"].as_array();
        let mut actions = actions.into_iter().flatten();
        if actions.any(|action| action["certifyRemediateImmediately"] == json!(true)) {
            self.remove_grant(&grant, id, &call.timestamp());
            return;
        }
        let name = text(task, "/displayName").replacen("Certify", "Revoke", 1);
        let review = of_type(task, "accessReviewId");
        let revoke = json!({ "displayName": name, "userId": task["userId"], "type": { "revoke": {
            "appId": app,
            "appEntitlementId": entitlement,
            "appUserId": account,
            "identityUserId": of_type(task, "identityUserId"),
            "source": { "review": { "accessReviewId": review, "certTicketId": id } },
        }}});
        // It fails only if a task to revoke the grant is open already.
        let _ = create::open(self, call, revoke);
    }
}
