//! Waits for syncs of connectors.

use c1_api::types::{Connector, SyncStatus};
use c1_api::{Client, Error, ErrorKind};

use crate::wait::{Progress, Wait, WaitEnd};

impl Wait {
    /// Polls a connector until a sync is done ([`WaitEnd::Done`]), or ends in an error or is disabled
    /// ([`WaitEnd::Failed`]). `before` is the connector as it was read before the sync was asked for: the end of an earlier
    /// sync, which C1 may go on to show for a while, does not count. If a sync was running then, it is the one that is waited
    /// for. The feature `connector` or `full` has it.
    ///
    /// ```no_run
    /// # async fn run(c1: c1_api_ext::C1, app: &str, id: &str) -> Result<(), c1_api_ext::Error> {
    /// use c1_api_ext::{Wait, WaitEnd};
    ///
    /// let before = c1.connector().get(app, id).await?;
    /// let before = before.connector_view.and_then(|view| view.connector).unwrap_or_default();
    /// c1.connector().force_sync(app, id).await?;
    /// match Wait::new().sync(&c1, &before).await? {
    ///     WaitEnd::Failed(after) => println!("{:?}", after.status.and_then(|status| status.last_error)),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] if `before` has no ids; the first failure that is not temporary.
    pub async fn sync(
        &self,
        client: &Client,
        before: &Connector,
    ) -> Result<WaitEnd<Connector>, Error> {
        let (Some(app_id), Some(id)) = (&before.app_id, &before.id) else {
            let message = "before: found no appId or no id, expected a connector that was read";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        };
        let poll = || async {
            let found = client.connector().get(app_id, id).await?;
            let view = found.connector_view.unwrap_or_default();
            Ok(view.connector.unwrap_or_default())
        };
        self.until(poll, |now| progress(before, now)).await
    }
}

fn progress(before: &Connector, now: &Connector) -> Progress {
    let sync = |connector: &Connector| {
        let status = connector.status.clone().unwrap_or_default();
        (status.status, status.started_at, status.completed_at)
    };
    let now = sync(now);
    if now == sync(before) {
        return Progress::Pending;
    }
    match now.0 {
        Some(SyncStatus::Done) => Progress::Done,
        Some(SyncStatus::Error | SyncStatus::Disabled) => Progress::Failed,
        _ => Progress::Pending,
    }
}
