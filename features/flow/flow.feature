Feature: The integration flow

  @needs-access-log @needs-channels @needs-good-sender
  @FLW-1
  Scenario Outline: A flow that answers <answer> gives <status>
    Given a channel "/http/flow" whose flow answers "<answer>"
    And a sender "warehouse" that is let in
    When "warehouse" calls "/http/flow"
    Then the call is let in as "WAREHOUSE"
    And the response status is <status>
    And the access log shows the status <status>

    Examples:
      | answer    | status |
      | echo      | 200    |
      | oneWay    | 202    |
      | noContent | 204    |

  @needs-access-log @needs-good-sender
  @FLW-1
  Scenario: An echo gives the message back
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a body of 1000 bytes
    Then the call is let in as "WAREHOUSE"
    And the access log shows 1000 bytes

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @FLW-2
  Scenario: A flow that fails gives 500
    Given a channel "/http/flow" whose flow answers "fail"
    And a sender "warehouse" that is let in
    When "warehouse" calls "/http/flow"
    Then the call is refused at the flow because of "flow-failed"
    And the response status is 500
    And the access log shows the user "WAREHOUSE"

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @FLW-3
  Scenario Outline: A <kind> over the channel's limit gets 413
    Given a channel "/http/flow" with a body limit of 1 MB
    And a sender "warehouse" that is let in
    When "warehouse" calls "/http/flow" with a <kind> of 1048576 bytes
    Then the call is let in as "WAREHOUSE"
    When "warehouse" calls "/http/flow" with a <kind> of 1048577 bytes
    Then the call is refused at the flow because of "body-too-large"
    And the response status is 413
    And the access log shows the user "WAREHOUSE"

    Examples:
      | kind         |
      | body         |
      | chunked body |
