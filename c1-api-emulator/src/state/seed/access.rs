//! Who has access to what in a new tenant, and how one gets it: resources, risk levels, accounts, grants, a policy
//! and a catalog.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::super::State;
use super::super::call::timestamp;
use super::super::engine::{COLLECTION, text};
use super::super::grant::GRANT;
use super::super::kind::is_hidden;
use super::super::path::Path;
use crate::status::Status;

/// The last word of an entitlement's name, and how risky it is.
const RISKS: [(&str, &str); 3] = [("Reader", "Low"), ("Writer", "Medium"), ("Admin", "High")];
/// The collection of risk levels, which are values of an attribute, by its path.
const RISK_LEVELS: &str = "/api/v1/attributes/risk_levels";

/// The accounts: their app, their name, which is that of their user if there is one, and the days since they last signed in; never if none.
const ACCOUNTS: [(&str, &str, Option<u64>); 10] = [
    ("Harbor", "Ada Berg", Some(2)),
    ("Harbor", "Bo Castell", Some(1)),
    ("Harbor", "Clara Dunn", Some(120)),
    ("Harbor", "Jonas Kern", None),
    ("Ledger", "Dario Egger", Some(5)),
    ("Ledger", "Elin Faber", Some(3)),
    ("Ledger", "Filip Grau", Some(95)),
    ("Ledger", "Hugo Ivers", Some(200)),
    ("Ledger", "Ines Jung", Some(40)),
    ("Ledger", "Nightly export", Some(1)),
];

/// The grants: the app, the account, the entitlement, and the days until it ends.
const GRANTS: [(&str, &str, &str, Option<u64>); 16] = [
    ("Harbor", "Ada Berg", "Images Admin", None),
    ("Harbor", "Bo Castell", "Images Writer", None),
    ("Harbor", "Clara Dunn", "Images Writer", None),
    ("Harbor", "Jonas Kern", "Images Reader", Some(30)),
    ("Ledger", "Dario Egger", "Budgets Admin", None),
    ("Ledger", "Dario Egger", "Payments Admin", None),
    ("Ledger", "Dario Egger", "Reports Reader", None),
    ("Ledger", "Elin Faber", "Invoices Writer", None),
    ("Ledger", "Elin Faber", "Payments Writer", None),
    ("Ledger", "Elin Faber", "Reports Reader", None),
    ("Ledger", "Filip Grau", "Invoices Writer", None),
    ("Ledger", "Filip Grau", "Taxes Writer", None),
    ("Ledger", "Hugo Ivers", "Expenses Reader", None),
    ("Ledger", "Ines Jung", "Audits Reader", None),
    ("Ledger", "Ines Jung", "Audits Admin", Some(7)),
    ("Ledger", "Nightly export", "Reports Reader", None),
];

/// What approves where no manager does.
const FALLBACK: [&str; 2] = ["Ines Jung", "Ada Berg"];

fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 60 * 60)
}

/// The object with the name.
fn named<'v>(objects: &'v [Value], name: &str) -> &'v Value {
    let mut objects = objects.iter();
    let found = objects.find(|object| object["displayName"] == name);
    found.unwrap_or(&Value::Null)
}

impl State {
    /// Adds what the description has of it.
    pub(super) fn seed_access(
        &mut self,
        apps: &[Value],
        users: &[Value],
        now: SystemTime,
    ) -> Result<(), Status> {
        let entitlements = self.seeded("AppEntitlement");
        self.seed_resources(apps, &entitlements, now)?;
        self.seed_risks(&entitlements, now)?;
        self.seed_policy(users, now)?;
        let accounts = self.seed_accounts(apps, users, now)?;
        for (app, name, entitlement, ends) in GRANTS {
            let app = &named(apps, app)["id"];
            let account = accounts
                .iter()
                .find(|account| account["appId"] == *app && account["displayName"] == name);
            let mut of_app = entitlements.iter().filter(|one| one["appId"] == *app);
            let entitlement = of_app.find(|one| one["displayName"] == entitlement);
            let (Some(account), Some(entitlement)) = (account, entitlement) else {
                continue;
            };
            let mut fields = json!({
                "appId": app,
                "appEntitlementId": entitlement["id"],
                "appUserId": account["id"],
                "createdAt": ago(now, 30),
            });
            if let Some(ends) = ends.and_then(|ends| now.checked_add(days(ends))) {
                fields["deprovisionAt"] = json!(timestamp(ends));
            }
            self.seed_one(GRANT, fields, now)?;
        }
        self.seed_catalog(&entitlements, now)
    }

    /// The objects of a kind that have been added so far.
    fn seeded(&self, kind: &str) -> Vec<Value> {
        self.all(kind)
            .map(|row| Value::Object(row.fields()))
            .collect()
    }

    /// Sets a field of an object that has been added, or a part beside its fields, if its kind has it.
    fn amend(&mut self, kind: &str, object: &Value, field: &str, value: Value) {
        let message = self.description.message(kind);
        let known = message.is_some_and(|message| message.fields.contains_key(field));
        let Some(facts) = self
            .plan
            .kinds
            .get(kind)
            .filter(|_| known || is_hidden(field))
        else {
            return;
        };
        let key: Vec<_> = facts.key.iter().map(|part| text(&object[part])).collect();
        let row = self.table(kind).get(&key).cloned();
        if let Ok(mut row) = row {
            row.set(field, value);
            // A row that is there keeps its names, so this cannot fail.
            let _ = self.table(kind).put(&key, row);
        }
    }

    /// A resource for the entitlements whose names begin alike.
    fn seed_resources(
        &mut self,
        apps: &[Value],
        entitlements: &[Value],
        now: SystemTime,
    ) -> Result<(), Status> {
        for (app, ty) in [("Harbor", "Repository"), ("Ledger", "Book")] {
            let app = &named(apps, app)["id"];
            let fields = json!({ "appId": app, "displayName": ty });
            let ty = self.seed_one("AppResourceType", fields, now)?;
            if !ty["id"].is_string() {
                continue;
            }
            let mut resources: Vec<Value> = Vec::new();
            for one in entitlements.iter().filter(|one| one["appId"] == *app) {
                let name = one["displayName"].as_str().unwrap_or_default();
                let name = name.split(' ').next().unwrap_or_default();
                if named(&resources, name).is_null() {
                    let fields =
                        json!({ "appId": app, "appResourceTypeId": ty["id"], "displayName": name });
                    let resource = self.seed_one("AppResource", fields, now)?;
                    resources.push(resource);
                }
                let resource = named(&resources, name)["id"].clone();
                self.amend("AppEntitlement", one, "appResourceTypeId", ty["id"].clone());
                if resource.is_string() {
                    self.amend("AppEntitlement", one, "appResourceId", resource);
                }
            }
        }
        Ok(())
    }

    fn seed_risks(&mut self, entitlements: &[Value], now: SystemTime) -> Result<(), Status> {
        for (level, risk) in RISKS {
            let value = self.seed_one("AttributeValue", json!({ "value": risk }), now)?;
            if !value["id"].is_string() {
                continue;
            }
            self.amend(
                "AttributeValue",
                &value,
                COLLECTION,
                json!(Path::new(RISK_LEVELS).template()),
            );
            let of_level = entitlements.iter().filter(|one| {
                let name = one["displayName"].as_str();
                name.is_some_and(|name| name.ends_with(level))
            });
            for one in of_level {
                self.amend(
                    "AppEntitlement",
                    one,
                    "riskLevelValueId",
                    value["id"].clone(),
                );
            }
        }
        Ok(())
    }

    /// The policy for grants where no other is set.
    fn seed_policy(&mut self, users: &[Value], now: SystemTime) -> Result<(), Status> {
        let fallback = FALLBACK.map(|name| named(users, name)["id"].clone());
        let approval = json!({
            "manager": { "fallback": true, "fallbackUserIds": fallback },
            "allowReassignment": true,
        });
        let steps = json!([{ "approval": approval }, { "provision": {} }]);
        let fields = json!({
            "displayName": "Manager, then provisioning",
            "description": "For requests where neither the entitlement nor its app has a policy",
            "policyType": "POLICY_TYPE_GRANT",
            "policySteps": { "grant": { "steps": steps } },
            "systemBuiltin": true,
        });
        self.seed_one("Policy", fields, now).map(drop)
    }

    fn seed_accounts(
        &mut self,
        apps: &[Value],
        users: &[Value],
        now: SystemTime,
    ) -> Result<Vec<Value>, Status> {
        let mut accounts = Vec::new();
        for (app, name, signed_in) in ACCOUNTS {
            let user = named(users, name);
            let mut fields = json!({
                "appId": named(apps, app)["id"],
                "displayName": name,
                "username": name.to_lowercase().replace(' ', "-"),
                "appUserType": "APP_USER_TYPE_SERVICE_ACCOUNT",
                "status": { "status": "STATUS_ENABLED" },
            });
            if user.is_object() {
                fields["appUserType"] = json!("APP_USER_TYPE_USER");
                fields["identityUserId"] = user["id"].clone();
                for field in ["username", "email"] {
                    fields[field] = user[field].clone();
                }
            }
            let account = self.seed_one("AppUser", fields, now)?;
            if !account["id"].is_string() {
                continue;
            }
            if let Some(signed_in) = signed_in {
                self.amend(
                    "AppUser",
                    &account,
                    "/lastUsage",
                    json!(ago(now, signed_in)),
                );
            }
            accounts.push(account);
        }
        Ok(accounts)
    }

    /// A catalog for everybody, with what is neither risky nor rare.
    fn seed_catalog(&mut self, entitlements: &[Value], now: SystemTime) -> Result<(), Status> {
        let fields = json!({
            "displayName": "For everybody",
            "published": true,
            "visibleToEveryone": true,
        });
        let catalog = self.seed_one("RequestCatalog", fields, now)?;
        if !catalog["id"].is_string() {
            return Ok(());
        }
        let requestable = entitlements.iter().filter(|one| one["slug"] != "admin");
        for one in requestable {
            let fields = json!({ "catalogId": catalog["id"], "appId": one["appId"], "entitlementId": one["id"] });
            self.seed_one("RequestableEntry", fields, now)?;
        }
        Ok(())
    }
}

/// So many days before now, or now if there is no such time.
fn ago(now: SystemTime, ago: u64) -> String {
    timestamp(now.checked_sub(days(ago)).unwrap_or(now))
}
