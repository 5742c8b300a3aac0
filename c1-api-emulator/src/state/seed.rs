//! The seed data of a new tenant: enough for pages, searches and bindings.

use std::time::SystemTime;

use serde_json::json;

use super::State;
use super::call::timestamp;
use super::row::Row;
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
    /// Adds three apps, thirty entitlements of one and three of another, and twelve users.
    pub(crate) fn seed(&mut self, now: SystemTime) -> Result<(), Status> {
        let now = timestamp(now);
        let mut apps = Vec::new();
        for (name, description) in APPS {
            let mut app = Row::of([("displayName", name), ("description", description)]);
            app.set("isDirectory", name == "Meadow");
            apps.push(self.add_app(app, &now)?);
        }
        if let [harbor, ledger, ..] = apps.as_slice() {
            for area in AREAS {
                for level in LEVELS {
                    self.seed_entitlement(ledger, area, level, &now)?;
                }
            }
            for level in LEVELS {
                self.seed_entitlement(harbor, "Images", level, &now)?;
            }
        }
        let mut manager = String::new();
        for (name, department, title) in USERS {
            let leads = title.starts_with("Head");
            let user = self.add_user(
                user(
                    name,
                    department,
                    title,
                    Some(manager.as_str()).filter(|_| !leads),
                ),
                &now,
            )?;
            if leads {
                user.text("id").clone_into(&mut manager);
            }
        }
        Ok(())
    }

    fn seed_entitlement(
        &mut self,
        app: &Row,
        area: &str,
        level: &str,
        now: &str,
    ) -> Result<(), Status> {
        let name = format!("{area} {level}");
        let row = Row::of([
            ("appId", app.text("id")),
            ("displayName", name.as_str()),
            (
                "description",
                &format!(
                    "{level} of {} in {}",
                    area.to_lowercase(),
                    app.text("displayName")
                ),
            ),
            ("slug", &level.to_lowercase()),
            (
                "alias",
                &format!("{}-{}", app.text("displayName"), name.replace(' ', "-")).to_lowercase(),
            ),
            ("purpose", "APP_ENTITLEMENT_PURPOSE_VALUE_PERMISSION"),
        ]);
        self.add_entitlement(row, now).map(drop)
    }
}

fn user(name: &str, department: &str, title: &str, manager: Option<&str>) -> Row {
    let username = name.to_lowercase().replace(' ', ".");
    let email = format!("{username}@example.com");
    let mut user = Row::of([
        ("displayName", name),
        ("username", &username),
        ("email", &email),
        ("department", department),
        ("jobTitle", title),
        ("status", "ENABLED"),
        ("directoryStatus", "ENABLED"),
        ("type", "USER_TYPE_HUMAN"),
        ("origin", "USER_ORIGIN_DIRECTORY"),
    ]);
    user.set("usernames", json!([username]));
    user.set("emails", json!([email]));
    user.set("managerIds", json!(manager.into_iter().collect::<Vec<_>>()));
    user
}
