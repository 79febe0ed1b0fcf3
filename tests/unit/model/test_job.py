import pytest

from mail2fax.model.job import FINAL_STATES, TRANSITIONS, ImpossibleTransition, JobEvent, JobState, next_state


def test_every_state_stands_in_the_table() -> None:
    assert set(TRANSITIONS) == set(JobState)


@pytest.mark.parametrize("state", list(JobState))
def test_final_states_and_only_they_know_no_event(state: JobState) -> None:
    assert state.final == (not TRANSITIONS[state])
    assert state.final == (state in FINAL_STATES)


@pytest.mark.parametrize("state", sorted(set(JobState) - FINAL_STATES))
def test_every_state_that_is_not_final_can_expire(state: JobState) -> None:
    assert next_state(state, JobEvent.EXPIRED).final


@pytest.mark.parametrize("state", sorted(set(JobState) - FINAL_STATES))
def test_every_state_that_is_not_final_can_be_cancelled(state: JobState) -> None:
    assert next_state(state, JobEvent.CANCELLED) is JobState.CANCELLED


def test_every_event_is_of_use_somewhere() -> None:
    assert {event for row in TRANSITIONS.values() for event in row} == set(JobEvent)


def test_every_state_can_be_reached() -> None:
    reached = {JobState.RECEIVED}
    for _ in JobState:
        reached |= {after for state in reached for after in TRANSITIONS[state].values()}
    assert reached == set(JobState)


def test_nobody_dials_but_from_ready() -> None:
    """The money rule begins here: only one state leads to `calling`."""
    assert [state for state in JobState if JobEvent.DIALLING in TRANSITIONS[state]] == [JobState.READY]
    assert [state for state in JobState if JobState.CALLING in TRANSITIONS[state].values()] == [JobState.READY]


def test_what_expires_in_mid_call_is_in_doubt_and_not_failed() -> None:
    assert next_state(JobState.CALLING, JobEvent.EXPIRED) is JobState.UNCONFIRMED


def test_only_delivery_leads_to_sent() -> None:
    ways = {
        (state, event) for state, row in TRANSITIONS.items() for event, after in row.items() if after is JobState.SENT
    }
    assert ways == {(JobState.CALLING, JobEvent.DELIVERED)}


def test_an_impossible_event_names_the_state_and_the_event() -> None:
    with pytest.raises(ImpossibleTransition, match="a job that is sent cannot take the event dialling"):
        next_state(JobState.SENT, JobEvent.DIALLING)
