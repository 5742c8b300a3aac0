//! Asks at the terminal about each open task that waits for you: approve it, deny it, or leave it.
//!
//! `approve_tasks`, and an answer for each task: `y`, `n`, or nothing.

use std::io::{Write as _, stdin, stdout};

use c1_api_ext::types::{
    TaskActionsServiceApproveRequest, TaskActionsServiceDenyRequest, TaskSearchRequest, TaskState,
};
use c1_api_ext::{TaskStatus, present};
use c1_examples::{Outcome, Tenant, offline};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let (c1, me) = (&tenant.c1, tenant.c1.auth().introspect().await?);
    let me = present!(me.user_id)?;
    if tenant.offline.is_some() {
        offline::request_access(c1, me).await?;
    }
    let mine = TaskSearchRequest::new()
        .my_work_user_ids([me.clone()])
        .task_states([TaskState::Open]);
    let mut tasks = c1.task_search().search(mine).items();
    while let Some(view) = tasks.try_next().await? {
        let task = present!(view.task)?;
        let TaskStatus::NeedsApproval { step_id } = TaskStatus::of(task) else {
            continue;
        };
        print!("{} [y/n] ", present!(task.display_name)?);
        stdout().flush()?;
        let (id, mut answer) = (present!(task.id)?, String::new());
        stdin().read_line(&mut answer)?;
        match answer.trim() {
            "y" => {
                let approve = TaskActionsServiceApproveRequest::new(step_id);
                c1.task_actions().approve(id, approve).await?;
                println!("approved");
            }
            "n" => {
                let deny = TaskActionsServiceDenyRequest::new().policy_step_id(step_id);
                c1.task_actions().deny(id, deny).await?;
                println!("denied");
            }
            _ => println!("left"),
        }
    }
    Ok(())
}
