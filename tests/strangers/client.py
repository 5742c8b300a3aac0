"""The client that openapi-generator makes in Python from our description: the life of an access request.

    client.py PACKAGE APP ENTITLEMENT OTHER USER [TASK=OUTCOME]...

PACKAGE is the folder that holds `openapi_client`, OTHER an entitlement that USER does not get, each TASK one of another client that is closed
with the OUTCOME. C1_URL is the server, C1_TOKEN the token of who asks, APPROVER_TOKEN that
of who approves. Prints what it has seen.
"""

import json
import os
import sys

package, app, entitlement, other, user, *elsewhere = sys.argv[1:]
sys.path.insert(0, package)

import openapi_client as c1  # noqa: E402


def connect(token):
    return c1.ApiClient(c1.Configuration(host=os.environ["C1_URL"], access_token=os.environ[token]))


with connect("C1_TOKEN") as mine, connect("APPROVER_TOKEN") as approvers:
    tasks = c1.TaskApi(mine)
    created = tasks.task_create_grant(
        c1.TaskServiceCreateGrantRequest(app_id=app, app_entitlement_id=entitlement, identity_user_id=user)
    )
    task = created.task_view.task
    assert task.state == "TASK_STATE_OPEN", task.state
    assert task.policy.current.approval is not None, task.policy
    step = task.policy.current.id
    try:
        c1.TaskActionsApi(approvers).task_actions_approve(
            task.id, c1.TaskActionsServiceApproveRequest(policy_step_id="nosuchstep")
        )
        sys.exit("a wrong step was accepted")
    except c1.ApiException as refused:
        assert refused.status == 400, refused
    c1.TaskActionsApi(approvers).task_actions_approve(
        task.id, c1.TaskActionsServiceApproveRequest(policy_step_id=step, comment="by Python")
    )
    # The first look can come before the provisioning is done.
    for _ in range(10):
        closed = tasks.task_get(task.id).task_view.task
        if closed.state == "TASK_STATE_CLOSED":
            break
    steps = [(step.approval is not None, step.provision is not None) for step in closed.policy.history]
    assert steps == [(True, False), (False, True)], closed.policy
    grants = c1.AppEntitlementSearchApi(mine).app_entitlement_search_search_grants(
        c1.AppEntitlementSearchServiceSearchGrantsRequest(user_id=user)
    )
    names = [row.entitlement.app_entitlement.display_name for row in grants.list]

    # The same person, something else: approved by a step that is over, cancelled; then denied.
    actions = c1.TaskActionsApi(approvers)

    def request():
        created = tasks.task_create_grant(
            c1.TaskServiceCreateGrantRequest(app_id=app, app_entitlement_id=other, identity_user_id=user)
        )
        return created.task_view.task

    def seen(id):
        task = tasks.task_get(id).task_view.task
        return {"id": id, "state": task.state, "outcome": task.type.grant.outcome}

    cancelled = request()
    stale = cancelled.policy.current.id
    c1.TaskActionsApi(mine).task_actions_restart(cancelled.id, c1.TaskActionsServiceRestartRequest())
    try:
        actions.task_actions_approve(cancelled.id, c1.TaskActionsServiceApproveRequest(policy_step_id=stale))
        sys.exit("a stale step was accepted")
    except c1.ApiException as refused:
        assert refused.status == 409, refused
    c1.TaskActionsApi(mine).task_actions_close(cancelled.id, c1.TaskActionsServiceCloseRequest())
    denied = request()
    actions.task_actions_deny(denied.id, c1.TaskActionsServiceDenyRequest(policy_step_id=denied.policy.current.id))
    others = [seen(cancelled.id), seen(denied.id)]
    assert [one["outcome"] for one in others] == ["GRANT_OUTCOME_CANCELLED", "GRANT_OUTCOME_DENIED"], others
    for task in elsewhere:
        id, outcome = task.split("=")
        assert seen(id) == {"id": id, "state": "TASK_STATE_CLOSED", "outcome": outcome}, (task, seen(id))
    print(
        json.dumps(
            {
                "id": closed.id,
                "state": closed.state,
                "outcome": closed.type.grant.outcome,
                "granted": names,
                "others": others,
            }
        )
    )
