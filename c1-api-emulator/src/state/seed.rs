//! The seed data of a new tenant: enough for pages, searches, bindings and requests.

mod access;

use std::time::SystemTime;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::State;
use super::row::without_unknown;
use crate::check::{self, Direction};
use crate::status::Status;

const APPS: [(&str, &str); 3] = [
    ("Harbor", "Container registry of the platform team"),
    ("Ledger", "Bookkeeping and invoices"),
    ("Meadow", "Staff directory"),
];
const AREAS: [&str; 10] = [
    "Audits",
    "Budgets",
    "Contracts",
    "Deliveries",
    "Expenses",
    "Invoices",
    "Orders",
    "Payments",
    "Reports",
    "Taxes",
];
const LEVELS: [&str; 3] = ["Reader", "Writer", "Admin"];
const USERS: [(&str, &str, &str); 12] = [
    ("Ada Berg", "Engineering", "Head of Engineering"),
    ("Bo Castell", "Engineering", "Engineer"),
    ("Clara Dunn", "Engineering", "Engineer"),
    ("Dario Egger", "Finance", "Head of Finance"),
    ("Elin Faber", "Finance", "Accountant"),
    ("Filip Grau", "Finance", "Accountant"),
    ("Greta Holm", "People", "Head of People"),
    ("Hugo Ivers", "People", "Recruiter"),
    ("Ines Jung", "Security", "Head of Security"),
    ("Jonas Kern", "Security", "Analyst"),
    ("Kira Lund", "Security", "Analyst"),
    ("Leo Marsh", "Support", "Head of Support"),
];

impl State {
    /// Adds three apps, thirty entitlements of one and three of another, twelve users, and who has access; those of
    /// them that the description has.
    pub(crate) fn seed(&mut self, now: SystemTime) -> Result<(), Status> {
        let mut apps = Vec::new();
        for (name, description) in APPS {
            let fields = json!({
                "displayName": name, "description": description, "isDirectory": name == "Meadow", "isManuallyManaged": true,
            });
            apps.push(self.seed_one("App", fields, now)?);
        }
        if let [harbor, ledger, ..] = apps.as_slice() {
            for area in AREAS {
                for level in LEVELS {
                    self.seed_entitlement(ledger, area, level, now)?;
                }
            }
            for level in LEVELS {
                self.seed_entitlement(harbor, "Images", level, now)?;
            }
        }
        let (mut manager, mut users) = (json!([]), Vec::new());
        for (name, department, title) in USERS {
            let leads = title.starts_with("Head");
            let managers = if leads { json!([]) } else { manager.clone() };
            let user = self.seed_one("User", user(name, department, title, &managers), now)?;
            if leads {
                manager = json!([user["id"]]);
            }
            users.push(user);
        }
        self.seed_access(&apps, &users, now)
    }

    /// Adds an object with the fields that the description has, or only returns it if the description
    /// does not have its kind, or has other fields by these names.
    fn seed_one(&mut self, kind: &str, fields: Value, now: SystemTime) -> Result<Value, Status> {
        let fields = without_unknown(&self.description, kind, fields);
        let known = self.plan.kinds.contains_key(kind)
            && check::value(&self.description, kind, &fields, Direction::Response).is_ok();
        match fields {
            Value::Object(fields) if known => {
                match self.insert_object(kind, fields.clone(), now) {
                    // What it belongs to has been left out.
                    Err(status) if status.http == StatusCode::NOT_FOUND => {
                        Ok(Value::Object(fields))
                    }
                    added => added,
                }
            }
            fields => Ok(fields),
        }
    }

    fn seed_entitlement(
        &mut self,
        app: &Value,
        area: &str,
        level: &str,
        now: SystemTime,
    ) -> Result<(), Status> {
        let app_name = app["displayName"].as_str().unwrap_or_default();
        let name = format!("{area} {level}");
        let fields = json!({
            "appId": app["id"],
            "displayName": name,
            "description": format!("{level} of {} in {app_name}", area.to_lowercase()),
            "slug": level.to_lowercase(),
            "alias": format!("{app_name}-{}", name.replace(' ', "-")).to_lowercase(),
            "purpose": "APP_ENTITLEMENT_PURPOSE_VALUE_PERMISSION",
            "isManuallyManaged": true,
        });
        self.seed_one("AppEntitlement", fields, now).map(drop)
    }
}

fn user(name: &str, department: &str, title: &str, managers: &Value) -> Value {
    let username = name.to_lowercase().replace(' ', ".");
    let email = format!("{username}@example.com");
    json!({
        "displayName": name,
        "username": username,
        "email": email,
        "department": department,
        "jobTitle": title,
        "status": "ENABLED",
        "directoryStatus": "ENABLED",
        "type": "USER_TYPE_HUMAN",
        "origin": "USER_ORIGIN_DIRECTORY",
        "usernames": [username],
        "emails": [email],
        "managerIds": managers,
    })
}
