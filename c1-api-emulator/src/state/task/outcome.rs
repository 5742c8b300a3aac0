//! How tasks end: what they were for happens, and their type says how.

use serde_json::{Value, json};

use super::super::State;
use super::super::call::Call;
use super::super::grant::{GRANT, end_of};
use super::super::row::Row;
use super::policy::finish;
use super::{CLOSED, has, of_type, text, type_of};
use crate::status::Status;

/// How a task ends.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Succeeded,
    Denied,
    Errored,
    Cancelled,
}

/// The types of tasks, and of each the beginning of its outcomes, and its outcomes if it succeeds or is denied.
const OUTCOMES: [(&str, &str, &str, &str); 6] = [
    ("grant", "GRANT", "GRANTED", "DENIED"),
    ("revoke", "REVOKE", "REVOKED", "DENIED"),
    ("certify", "CERTIFY", "CERTIFIED", "DECERTIFIED"),
    ("offboarding", "OFFBOARDING", "DONE", "CANCELLED"),
    ("action", "ACTION", "SUCCESS", "DENIED"),
    ("finding", "FINDING_TASK", "REMEDIATED", "RISK_ACCEPTED"),
];

/// Whether the policy's current step is being provisioned, without anybody's help.
pub(super) fn is_provisioning(policy: &Value) -> bool {
    let provision = &policy["current"]["provision"];
    text(provision, "/state") == "PROVISION_INSTANCE_STATE_WAITING"
        && !has(provision, "/provision/provisionPolicy/manual")
        && !has(provision, "/provision/provisionPolicy/webhook")
}

impl State {
    /// Closes the task.
    pub(super) fn end(&mut self, task: &mut Value, end: End, call: &Call<'_>) {
        let now = call.timestamp();
        let mut end = end;
        if end == End::Succeeded && self.take_effect(task, call).is_err() {
            // What it is about is gone.
            end = End::Errored;
        }
        let (name, _) = type_of(task);
        let name = name.to_owned();
        let known = OUTCOMES.iter().find(|(known, ..)| *known == name);
        if let Some((_, prefix, succeeded, denied)) = known {
            let word = match end {
                End::Succeeded => succeeded,
                End::Denied => denied,
                End::Errored => "ERROR",
                End::Cancelled => "CANCELLED",
            };
            let outcome = format!("{prefix}_OUTCOME_{word}");
            task["type"][&name]["outcome"] = json!(outcome);
            task["type"][&name]["outcomeTime"] = json!(now);
            if matches!(name.as_str(), "grant" | "revoke") {
                let event = format!("{name}Outcome");
                self.audit(task, &event, json!({ "outcome": outcome }), "", &now);
            }
        }
        finish(task);
        task["policy"]["next"] = json!([]);
        task["stepApproverIds"] = json!([]);
        task["state"] = json!(CLOSED);
        task["processing"] = json!("TASK_PROCESSING_TYPE_DONE");
        let previous = json!({ "previousState": super::OPEN });
        self.audit(task, "stateChange", previous, "", &now);
    }

    /// Does what the task is for.
    fn take_effect(&mut self, task: &mut Value, call: &Call<'_>) -> Result<(), Status> {
        let now = call.timestamp();
        let id = text(task, "/id").to_owned();
        let of = |field: &str| of_type(task, field).to_owned();
        let [app, entitlement, user, account, duration] = [
            "appId",
            "appEntitlementId",
            "identityUserId",
            "appUserId",
            "grantDuration",
        ]
        .map(of);
        match type_of(task).0 {
            "grant" => {
                let account = match account {
                    account if account.is_empty() => self.account(&app, &user, &now)?,
                    account => account,
                };
                let until = match duration.as_str() {
                    "" => None,
                    duration => Some(end_of(duration, call.now, "grantDuration")?),
                };
                self.add_grant([&app, &entitlement, &account], until, &id, &now)?;
                task["type"]["grant"]["appUserId"] = json!(account);
            }
            "revoke" => {
                // If it is gone already, that is what was wanted.
                if let Some(grant) = self.grant(&app, &entitlement, &account).cloned() {
                    self.remove_grant(&grant, &id, &now);
                }
            }
            "offboarding" => {
                let subject = of_type(task, "subjectUserId").to_owned();
                let accounts = self.all("AppUser");
                let accounts = accounts.filter(|own| own.text("identityUserId") == subject);
                let accounts: Vec<_> = accounts.map(|own| own.text("id").to_owned()).collect();
                let own = |grant: &&Row| accounts.iter().any(|id| id == grant.text("appUserId"));
                let grants: Vec<_> = self.all(GRANT).filter(own).cloned().collect();
                for grant in grants {
                    self.remove_grant(&grant, &id, &now);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Does what the task's step provisions, and goes on with the next step.
    pub(super) fn provision(&mut self, id: &str, call: &Call<'_>) -> Result<(), Status> {
        let mut task = self.task(id)?;
        if is_provisioning(&task["policy"]) && !self.provisioning_is_paused(&task) {
            self.provisioned(&mut task, "", call);
            self.save(task, call)?;
        }
        Ok(())
    }

    /// Whether the current step waits for a connector that is paused.
    fn provisioning_is_paused(&self, task: &Value) -> bool {
        let connector = "/policy/current/provision/provision/provisionPolicy/connector";
        has(task, connector) && self.is_paused(of_type(task, "appId"))
    }

    /// Ends the current step, which provisions.
    pub(super) fn provisioned(&mut self, task: &mut Value, by: &str, call: &Call<'_>) {
        let provision = &mut task["policy"]["current"]["provision"];
        provision["state"] = json!("PROVISION_INSTANCE_STATE_DONE");
        provision["completed"] = json!({ "completedAt": call.timestamp(), "userId": by });
        finish(task);
        self.advance(task, call);
    }
}
