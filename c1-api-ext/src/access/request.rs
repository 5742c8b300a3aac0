//! Requests for a grant or a revocation, as they are sent. One that is open already is found.

use c1_api::chrono::TimeDelta;
use c1_api::serde_json::{Map, Value};
use c1_api::types::{
    Task, TaskSearchRequest, TaskServiceCreateGrantRequest, TaskServiceCreateRevokeRequest,
    TaskState, TaskView,
};
use c1_api::{Client, Error, ErrorKind};
use reqwest::StatusCode;

use crate::access::Recipient;
use crate::access::decision::AccessRequest;
use crate::access::entitlement::Entitlement;
use crate::access::error::AccessError;

/// A request to grant an entitlement, from [`Entitlement::grant_to`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GrantRequest {
    about: About,
    body: TaskServiceCreateGrantRequest,
}

/// A request to revoke an entitlement, from [`Entitlement::revoke_from`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RevokeRequest {
    about: About,
    body: TaskServiceCreateRevokeRequest,
}

/// The requests are made here, as they, and the errors of theirs, know entitlements.
impl Entitlement {
    /// A request to grant it. Nothing is sent before [`send`](GrantRequest::send).
    pub fn grant_to(&self, recipient: Recipient) -> GrantRequest {
        let body = TaskServiceCreateGrantRequest::new(self.id(), self.app_id());
        let body = match recipient.clone() {
            Recipient::User(id) => body.identity_user_id(id),
            Recipient::AppUser(id) => body.app_user_id(id),
        };
        let about = About::new(self, recipient, Kind::Grant);
        GrantRequest { about, body }
    }

    /// A request to revoke it. Nothing is sent before [`send`](RevokeRequest::send).
    pub fn revoke_from(&self, recipient: Recipient) -> RevokeRequest {
        let body = TaskServiceCreateRevokeRequest::new(self.id(), self.app_id());
        let body = match recipient.clone() {
            Recipient::User(id) => body.identity_user_id(id),
            Recipient::AppUser(id) => body.app_user_id(id),
        };
        let about = About::new(self, recipient, Kind::Revoke);
        RevokeRequest { about, body }
    }
}

impl GrantRequest {
    /// Why access is needed.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.body = self.body.description(text);
        self
    }

    /// How long access lasts, from the grant on. Without it, as long as the entitlement allows.
    pub fn duration(mut self, duration: TimeDelta) -> Self {
        self.body = self.body.grant_duration(duration);
        self
    }

    /// The values of the entitlement's form, by the names of its fields.
    pub fn form(mut self, values: Map<String, Value>) -> Self {
        self.body = self.body.request_data(values);
        self
    }

    /// Asks for emergency access, for which the entitlement may have a policy of its own.
    pub fn emergency(mut self) -> Self {
        self.body = self.body.emergency_access(true);
        self
    }

    /// Sends the request. If C1 answers that the same is requested already (409), gives the request that is open:
    /// [`AccessRequest::existed`] tells. Its description, duration and form are then those of that request.
    ///
    /// # Errors
    /// Those of the calls: the 409, too, if the open request is not to be found.
    pub async fn send(self) -> Result<AccessRequest, AccessError> {
        let client = &self.about.client;
        let created = client.task().create_grant(self.body).await;
        let id = created.map(|created| created.task_view.and_then(id_of));
        self.about.opened(id).await
    }
}

impl RevokeRequest {
    /// Why access is to be revoked.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.body = self.body.description(text);
        self
    }

    /// As [`GrantRequest::send`].
    ///
    /// # Errors
    /// Those of the calls: the 409, too, if the open request is not to be found.
    pub async fn send(self) -> Result<AccessRequest, AccessError> {
        let client = &self.about.client;
        let created = client.task().create_revoke(self.body).await;
        let id = created.map(|created| created.task_view.and_then(id_of));
        self.about.opened(id).await
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Grant,
    Revoke,
}

/// What a request is about, by which an open one is found.
#[derive(Clone, Debug)]
struct About {
    client: Client,
    kind: Kind,
    app_id: String,
    entitlement_id: String,
    recipient: Recipient,
}

impl About {
    fn new(entitlement: &Entitlement, recipient: Recipient, kind: Kind) -> Self {
        Self {
            client: entitlement.client.clone(),
            kind,
            app_id: entitlement.app_id().to_owned(),
            entitlement_id: entitlement.id().to_owned(),
            recipient,
        }
    }

    /// The request with the id of the new task, or that of the open one after a 409.
    async fn opened(self, id: Result<Option<String>, Error>) -> Result<AccessRequest, AccessError> {
        let (id, existed) = match id {
            Ok(id) => (id, false),
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
                // Tasks are large.
                (Some(Box::pin(self.existing(error)).await?), true)
            }
            Err(error) => return Err(error.into()),
        };
        let id = id.ok_or_else(|| {
            let message = "taskView.task.id: found no id, expected that of the new task";
            Error::new(ErrorKind::UnexpectedContent, message)
        })?;
        Ok(AccessRequest::new(self.client, id, existed))
    }

    /// The id of the open task about the same: the one that the error names, or the one that a search finds.
    async fn existing(&self, error: Error) -> Result<String, Error> {
        let same = |view: TaskView| {
            let is_same = view.task.as_ref().is_some_and(|task| self.is_of(task));
            is_same.then(|| id_of(view)).flatten()
        };
        if let Some(id) = error.existing_id() {
            match self.client.task().get(id).await {
                Ok(found) => {
                    if let Some(id) = found.task_view.and_then(same) {
                        return Ok(id);
                    }
                }
                // Not the id of a task.
                Err(other) if other.is_not_found() => {}
                Err(other) => return Err(other),
            }
        }
        let search = TaskSearchRequest::new()
            .application_ids([&self.app_id])
            .app_entitlement_ids([&self.entitlement_id])
            .task_states([TaskState::Open]);
        let search = match &self.recipient {
            Recipient::User(id) => search.subject_ids([id]),
            Recipient::AppUser(id) => search.app_user_subject_ids([id]),
        };
        let mut found = self.client.task_search().search(search).items();
        while let Some(view) = found.try_next().await? {
            if let Some(id) = same(view) {
                return Ok(id);
            }
        }
        Err(error)
    }

    /// Whether the task is open and about the same.
    fn is_of(&self, task: &Task) -> bool {
        let Some(kind) = &task.r#type else {
            return false;
        };
        let about = match (self.kind, &kind.grant, &kind.revoke) {
            (Kind::Grant, Some(it), _) => (
                &it.app_id,
                &it.app_entitlement_id,
                &it.identity_user_id,
                &it.app_user_id,
            ),
            (Kind::Revoke, _, Some(it)) => (
                &it.app_id,
                &it.app_entitlement_id,
                &it.identity_user_id,
                &it.app_user_id,
            ),
            _ => return false,
        };
        let (app, entitlement, user, account) = about;
        let is = |field: &Option<String>, value: &str| field.as_deref() == Some(value);
        task.state != Some(TaskState::Closed)
            && is(app, &self.app_id)
            && is(entitlement, &self.entitlement_id)
            && match &self.recipient {
                Recipient::User(id) => is(user, id),
                Recipient::AppUser(id) => is(account, id),
            }
    }
}

fn id_of(view: TaskView) -> Option<String> {
    view.task?.id.filter(|id| !id.is_empty())
}
