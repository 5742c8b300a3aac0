//! Finds out which of the operations in `src/response_body.rs` there are.

#[path = "../operations.rs"]
mod operations;

use std::error::Error;

use c1_api_spec::Source;

fn main() -> Result<(), Box<dyn Error>> {
    let source = Source::from_env();
    source.directives().for_each(|line| println!("{line}"));
    operations::configure(
        &source.load()?.description,
        &[
            "app_access_requests_defaults.get",
            "connector.get",
            "functions.get_commit_content",
            "role_mining_management.get_suggestion",
            "system_log.list_events",
        ],
    );
    Ok(())
}
