//! Waits for executions of automations.

use c1_api::types::{AutomationExecution, AutomationExecutionState};
use c1_api::{Client, Error};

use crate::wait::{Progress, Wait, WaitEnd};

impl Wait {
    /// Polls the execution `id` until its automation is done ([`WaitEnd::Done`]), or ends in an error or is terminated
    /// ([`WaitEnd::Failed`]). While its circuit breaker holds it, it goes on waiting. The feature `automation_execution` or
    /// `full` has it.
    ///
    /// ```no_run
    /// # async fn run(c1: c1_api_ext::C1, id: i64) -> Result<(), c1_api_ext::Error> {
    /// use c1_api_ext::{Wait, WaitEnd};
    ///
    /// match Wait::new().execution(&c1, id).await? {
    ///     WaitEnd::Done(execution) => println!("done at {:?}", execution.completed_at),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first failure that is not temporary.
    pub async fn execution(
        &self,
        client: &Client,
        id: i64,
    ) -> Result<WaitEnd<AutomationExecution>, Error> {
        let poll = || async {
            let found = client.automation_execution().get(id).await?;
            let view = found.view.and_then(|view| view.automation_execution);
            Ok(found.automation_execution.or(view).unwrap_or_default())
        };
        self.until(poll, |execution: &AutomationExecution| {
            match execution.state {
                Some(AutomationExecutionState::Done) => Progress::Done,
                Some(AutomationExecutionState::Error | AutomationExecutionState::Terminate) => {
                    Progress::Failed
                }
                _ => Progress::Pending,
            }
        })
        .await
    }
}
