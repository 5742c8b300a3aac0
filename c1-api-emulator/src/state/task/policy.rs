//! The steps of a task: which policy they are from, who approves, and which one holds the task.
//!
//! The policy is that of the entitlement, of the app, or the tenant's own (`systemBuiltin`) of the same type, and
//! without one there is only a step that provisions. Of a policy, the baseline counts: rules have conditions in CEL,
//! which the emulator does not evaluate.

use serde_json::{Value, json};

use super::super::State;
use super::super::call::Call;
use super::super::grant::{after, has_come, in_app};
use super::super::row::Row;
use super::outcome::End;
use super::{has, of_type, text, texts, type_of};
use crate::status::Status;

/// How many policies may defer to another.
const MAX_BASELINES: usize = 8;

/// The entitlement's field, and the app's, with the policy for tasks of a type; and the type of such policies.
fn policy_fields(task: &str) -> (&'static str, &'static str) {
    match task {
        "grant" => ("grantPolicyId", "POLICY_TYPE_GRANT"),
        "revoke" => ("revokePolicyId", "POLICY_TYPE_REVOKE"),
        "certify" => ("certifyPolicyId", "POLICY_TYPE_CERTIFY"),
        _ => ("", ""),
    }
}

/// The first member of a oneof that a message has.
pub(super) fn member<'v>(message: &'v Value, names: &[&str]) -> Option<(&'v str, &'v Value)> {
    let fields = message.as_object()?.iter();
    let mut set = fields.filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
    set.next().map(|(name, value)| (name.as_str(), value))
}

/// What a step does.
const STEPS: [&str; 7] = [
    "approval",
    "provision",
    "accept",
    "reject",
    "wait",
    "form",
    "action",
];

impl State {
    /// The entitlement that a task is about.
    pub(super) fn entitlement_of(&self, task: &Value) -> Option<&Row> {
        let key = in_app(of_type(task, "appId"), of_type(task, "appEntitlementId"));
        self.find("AppEntitlement", &key).ok()
    }

    fn policy_of(&self, task: &Value) -> Option<&Row> {
        let (field, ty) = policy_fields(type_of(task).0);
        let entitlement = self.entitlement_of(task);
        let app = self.find_by_id("App", of_type(task, "appId")).ok();
        let emergency = entitlement.filter(|entitlement| {
            task["emergencyAccess"] == json!(true)
                && entitlement.0.get("emergencyGrantEnabled") == Some(&json!(true))
        });
        let named = [
            emergency.map(|entitlement| entitlement.text("emergencyGrantPolicyId")),
            entitlement.map(|entitlement| entitlement.text(field)),
            app.map(|app| app.text(field)),
        ];
        let mut named = named.into_iter().flatten();
        let policies = self.tables.get("Policy")?;
        named
            .find_map(|id| self.find_by_id("Policy", id).ok())
            .or_else(|| {
                policies.find(|policy| {
                    policy.text("policyType") == ty
                        && policy.0.get("systemBuiltin") == Some(&json!(true))
                })
            })
    }

    /// The steps of a policy, or those of the policy that it defers to.
    fn steps_of(&self, policy: &Row) -> Vec<Value> {
        let mut policy = policy;
        for _ in 0..MAX_BASELINES {
            let Ok(other) = self.find_by_id("Policy", policy.text("baselinePolicyId")) else {
                break;
            };
            policy = other;
        }
        let key = policy.text("policyType").strip_prefix("POLICY_TYPE_");
        let key = key.unwrap_or_default().to_lowercase();
        let steps = policy.0.get("policySteps").and_then(|all| all.get(key));
        let steps = steps.and_then(|steps| steps["steps"].as_array());
        steps.cloned().unwrap_or_default()
    }

    /// Begins with the first step of the policy that now applies.
    pub(super) fn begin(&mut self, task: &mut Value, call: &Call<'_>) {
        let policy = self.policy_of(task).cloned();
        self.begin_with(task, policy, call);
    }

    /// Begins with the first step of a policy.
    pub(super) fn begin_with(&mut self, task: &mut Value, policy: Option<Row>, call: &Call<'_>) {
        let steps = policy.as_ref().map(|policy| self.steps_of(policy));
        let mut steps = steps.unwrap_or_default();
        if steps.is_empty() {
            steps.push(json!({ "provision": {} }));
        }
        let policy = policy.map(|policy| policy.fields());
        let history = task["policy"]["history"].take();
        let history = if history.is_array() {
            history
        } else {
            json!([])
        };
        task["policyGenerationId"] = json!(self.ids.id());
        task["policy"] = json!({ "policy": policy, "next": steps, "history": history });
        self.advance(task, call);
    }

    /// Goes through the next steps, until one holds the task or none is left.
    pub(super) fn advance(&mut self, task: &mut Value, call: &Call<'_>) {
        loop {
            let next = task["policy"]["next"].as_array_mut();
            let Some(next) = next.filter(|next| !next.is_empty()) else {
                return self.end(task, End::Succeeded, call);
            };
            let step = next.remove(0);
            let id = self.ids.id();
            if self.start(task, &step, &id, call) {
                return self.send_step(task, call);
            }
            if has(task, "/policy/current/reject") {
                return self.end(task, End::Denied, call);
            }
            finish(task);
        }
    }

    /// Makes the step the current one. `true` if it holds the task.
    pub(super) fn start(&self, task: &mut Value, step: &Value, id: &str, call: &Call<'_>) -> bool {
        let now = call.timestamp();
        let (name, config) = member(step, &STEPS).unwrap_or(("accept", &Value::Null));
        let mut approvers = Vec::new();
        let (instance, holds) = match name {
            "approval" => {
                let mut config = config.clone();
                approvers = self.approvers(task, &config);
                config["assigned"] = json!(true);
                if has(&config, "/manager") {
                    config["manager"]["assignedUserIds"] = json!(approvers);
                }
                let instance = json!({
                    "approval": config,
                    "assignedAt": now,
                    "state": "APPROVAL_INSTANCE_STATE_WAITING",
                });
                (instance, true)
            }
            "provision" => {
                let instance = self.provision_instance(task, config, &now);
                let manual = "/provision/provisionPolicy/manual/userIds";
                let users = texts(&instance, manual).into_iter();
                approvers = users.map(str::to_owned).collect();
                (instance, true)
            }
            "wait" => {
                let duration = text(config, "/duration/duration");
                let mut instance = json!({
                    "name": config["name"],
                    "commentOnFirstWait": config["commentOnFirstWait"],
                    "commentOnTimeout": config["commentOnTimeout"],
                    "startedWaitingAt": now,
                    "state": "WAIT_INSTANCE_STATE_WAITING",
                });
                if let Some(until) = after(duration, call.now) {
                    instance["untilTime"] = json!({ "untilTime": until });
                }
                (instance, true)
            }
            "form" => {
                let state = "FORM_INSTANCE_STATE_WAITING";
                (json!({ "form": config["form"], "state": state }), true)
            }
            "accept" => (json!({ "acceptMessage": config["acceptMessage"] }), false),
            "reject" => (json!({ "rejectMessage": config["rejectMessage"] }), false),
            _ => (json!({ "action": config }), false),
        };
        let mut current = json!({
            "id": id,
            "state": "POLICY_STEP_STATE_ACTIVE",
            "policyGenerationId": task["policyGenerationId"],
        });
        current[name] = instance;
        task["policy"]["current"] = current;
        task["stepApproverIds"] = json!(approvers);
        if name == "form" {
            task["form"] = config["form"].clone();
        }
        holds
    }

    fn provision_instance(&self, task: &Value, config: &Value, now: &str) -> Value {
        let (kind, _) = type_of(task);
        let field = if kind == "revoke" {
            "deprovisionerPolicy"
        } else {
            "provisionerPolicy"
        };
        let own = self.entitlement_of(task);
        let own = own.and_then(|entitlement| entitlement.0.get(field));
        let mut provision = config.clone();
        provision["assigned"] = json!(true);
        if let Some(policy) = own.filter(|policy| !policy.is_null()) {
            provision["provisionPolicy"] = policy.clone();
        }
        let mut target = json!({});
        for field in ["appId", "appEntitlementId", "appUserId", "grantDuration"] {
            if !of_type(task, field).is_empty() {
                target[field] = json!(of_type(task, field));
            }
        }
        provision["provisionTarget"] = target;
        let fails = has(&provision, "/provisionPolicy/unconfigured");
        let mut instance =
            json!({ "provision": provision, "state": "PROVISION_INSTANCE_STATE_WAITING" });
        if fails {
            instance["state"] = json!("PROVISION_INSTANCE_STATE_DONE");
            instance["errored"] = json!({
                "description": "the entitlement's provisioning is not configured",
                "errorCode": "unconfigured",
                "erroredAt": now,
            });
        }
        instance
    }

    /// The users who may approve the step. There may be none: then only an administrator can.
    fn approvers(&self, task: &Value, approval: &Value) -> Vec<String> {
        let subject = text(task, "/userId");
        let app = of_type(task, "appId");
        let owned = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let kinds = [
            "users",
            "manager",
            "appOwners",
            "group",
            "self",
            "entitlementOwners",
        ];
        let Some((name, config)) = member(approval, &kinds) else {
            return Vec::new();
        };
        let mut users = match name {
            "users" => owned(texts(config, "/userIds")),
            "manager" => {
                let user = self.find_by_id("User", subject);
                owned(
                    user.map(|user| user.texts("managerIds"))
                        .unwrap_or_default(),
                )
            }
            "appOwners" => {
                let key = [("id".to_owned(), app.to_owned())];
                self.members_of("owner", "App", &key)
            }
            "entitlementOwners" => {
                let key = in_app(app, of_type(task, "appEntitlementId"));
                self.members_of("owner", "AppEntitlement", &key)
            }
            "group" => self.holders(text(config, "/appId"), text(config, "/appGroupId")),
            _ => vec![subject.to_owned()],
        };
        if name != "self" && config["allowSelfApproval"] != json!(true) {
            users.retain(|user| user != subject);
        }
        if users.is_empty() && config["fallback"] == json!(true) {
            users = owned(texts(config, "/fallbackUserIds"));
            let groups = config["fallbackGroupIds"].as_array();
            for group in groups.into_iter().flatten() {
                users.extend(self.holders(text(group, "/appId"), text(group, "/appEntitlementId")));
            }
            users.retain(|user| user != subject);
        }
        users
    }

    /// The users who have an entitlement.
    fn holders(&self, app: &str, entitlement: &str) -> Vec<String> {
        let holders = self.all("AppUser").filter(|user| {
            user.text("appId") == app && self.grant(app, entitlement, user.text("id")).is_some()
        });
        holders
            .map(|user| user.text("identityUserId").to_owned())
            .collect()
    }

    /// Ends the waits whose time has come.
    pub(super) fn resume_tasks(&mut self, call: &Call<'_>) -> Result<(), Status> {
        let waiting = |policy: &Value| has(policy, "/current/wait/untilTime");
        let until = |task: &Row| {
            let policy = task.0.get("policy").unwrap_or(&Value::Null);
            has_come(text(policy, "/current/wait/untilTime/untilTime"), call.now)
        };
        let due = self.tasks(waiting).filter(|task| until(task));
        let due: Vec<_> = due.cloned().collect();
        for task in due {
            let mut task = Value::Object(task.0);
            self.end_wait(&mut task, call);
            self.save(task, call)?;
        }
        Ok(())
    }

    pub(super) fn end_wait(&mut self, task: &mut Value, call: &Call<'_>) {
        let wait = &mut task["policy"]["current"]["wait"];
        wait["state"] = json!("WAIT_INSTANCE_STATE_COMPLETED");
        wait["succeeded"] = json!({ "succeededAt": call.timestamp() });
        finish(task);
        self.advance(task, call);
    }
}

/// Moves the current step to the history.
pub(super) fn finish(task: &mut Value) {
    let mut step = task["policy"]["current"].take();
    if step.is_null() {
        return;
    }
    step["state"] = json!("POLICY_STEP_STATE_DONE");
    if has(&step, "/approval") {
        step["approval"]["state"] = json!("APPROVAL_INSTANCE_STATE_DONE");
    }
    if let Some(history) = task["policy"]["history"].as_array_mut() {
        history.push(step);
    }
}
