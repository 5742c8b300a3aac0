//! The tenant's state: objects of every kind that the operations get, list, create, update or delete.
//!
//! What an operation does is told from the description ([`plan`]), and what no description tells is in
//! [`rules`]. Objects are kept with the fields that are set, in wire form; [`State::handle`] adds the
//! unset fields to responses, as C1 does.

mod actions;
mod bindings;
mod by_hand;
mod call;
mod catalog;
mod clients;
mod connector;
mod engine;
mod execution;
mod expand;
mod filter;
mod grant;
mod history;
mod kind;
mod lag;
mod me;
mod members;
mod messages;
mod names;
mod path;
mod plan;
mod respond;
mod review;
mod row;
mod rules;
mod seed;
mod shape;
mod snapshot;
mod sort;
mod stored;
mod survey;
mod system_log;
mod table;
mod task;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use c1_api_spec::model::Description;
pub(crate) use call::{Call, LATEST};
use lag::Shown;
use plan::Action;
pub(crate) use plan::Plan;
use serde_json::{Map, Value};
use system_log::SystemLog;
pub(crate) use table::Pages;
use table::Table;

use crate::auth::ClientChange;
use crate::random::Random;
use crate::status::Status;
use crate::webhook::Outgoing;

type HandlerResult = Result<Value, Status>;

/// The objects of a tenant.
pub(crate) struct State {
    description: Arc<Description>,
    plan: Arc<Plan>,
    ids: Random,
    /// The objects by kind.
    tables: BTreeMap<String, Table>,
    /// A time before which no grant expires, if it is known.
    next_expiry: Option<SystemTime>,
    /// How often objects may have changed.
    changes: u64,
    /// Whether responses hold fields that are null.
    nulls: bool,
    /// The time after which lists show changes; `None` for at once.
    delay: Option<Duration>,
    /// When lists show the change that is being made.
    shown: Option<Shown>,
    system_log: SystemLog,
    /// The webhooks that are to be sent.
    outbox: Vec<Outgoing>,
    /// What stands for the table of a kind that has none.
    no_rows: Table,
    /// Where the tenant is served, which the ids of clients tell.
    address: SocketAddr,
    /// What the token endpoint is to know of clients.
    client_changes: Vec<ClientChange>,
}

impl State {
    /// An empty tenant, whose ids are derived from `seed`.
    pub(crate) fn new(description: Arc<Description>, plan: Arc<Plan>, seed: u64) -> Self {
        Self {
            description,
            plan,
            ids: Random::named(seed, "ids"),
            tables: BTreeMap::new(),
            next_expiry: None,
            changes: 0,
            nulls: true,
            delay: None,
            shown: None,
            system_log: SystemLog::new(seed),
            outbox: Vec::new(),
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            client_changes: Vec::new(),
            no_rows: Table::new(""),
        }
    }

    /// A number that is another one after each change.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Has responses leave out fields that are null, or not.
    pub(crate) fn send_nulls(&mut self, nulls: bool) {
        self.nulls = nulls;
    }

    /// Has the ids of clients tell where the tenant is served.
    pub(crate) fn serve_at(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Has lists show the changes that follow only after the delay.
    pub(crate) fn delay_lists(&mut self, delay: Option<Duration>) {
        self.delay = delay;
    }

    /// Executes the operation; `None` if it has no state.
    pub(crate) fn handle(&mut self, call: &Call<'_>) -> Option<HandlerResult> {
        self.begin_call(call);
        let response = self.respond(call);
        self.end_events(call, matches!(response, Some(Ok(_))));
        response
    }

    /// Has what follows be the work of the call.
    fn begin_call(&mut self, call: &Call<'_>) {
        // What the call before has read.
        self.tables.values_mut().for_each(Table::pack);
        self.begin_change(Some(call.now));
        self.begin_events(call);
    }

    fn respond(&mut self, call: &Call<'_>) -> Option<HandlerResult> {
        let plan = Arc::clone(&self.plan);
        let schema = call.operation.response.schema().unwrap_or_default();
        let response = match plan.handler(&call.operation.id()) {
            // By hand, a response may have fields that only other descriptions have.
            Some(handler) => handler(self, call)
                .map(|response| row::without_unknown(&self.description, schema, response)),
            None => self.execute(plan.action(&call.operation.id())?, call),
        };
        Some(response.map(|value| self.complete(schema, value)))
    }

    /// The message as it is sent: with the fields that are not set, as far as they are sent.
    fn complete(&self, schema: &str, value: Value) -> Value {
        let value = row::with_defaults(&self.description, schema, value);
        if self.nulls {
            value
        } else {
            row::without_nulls(&self.description, schema, value)
        }
    }

    /// Executes the operation as the conventions say, for those by hand that only add something.
    fn by_convention(&mut self, call: &Call<'_>) -> HandlerResult {
        let plan = Arc::clone(&self.plan);
        self.execute(planned(&plan, call)?, call)
    }

    /// Adds an object as the service would return it, and returns it with its id and times.
    pub(crate) fn insert_object(
        &mut self,
        kind: &str,
        fields: Map<String, Value>,
        now: SystemTime,
    ) -> HandlerResult {
        self.tables.values_mut().for_each(Table::pack);
        self.begin_change(None);
        let row = self.add(kind, fields, &call::timestamp(now))?;
        let fields = Value::Object(self.fields(kind, &row));
        Ok(self.complete(kind, fields))
    }
}

/// What the conventions say that the operation does.
fn planned<'p>(plan: &'p Plan, call: &Call<'_>) -> Result<&'p Action, Status> {
    let id = call.operation.id();
    let action = plan.action(&id);
    action.ok_or_else(|| Status::internal(format!("bug in the emulator: {id} has no action")))
}
