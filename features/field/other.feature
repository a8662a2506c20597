Feature: Field cases: no answer, 404, 405, empty logs and lost mappings

  @needs-access-log @needs-good-sender @needs-stations @needs-trace
  @FLD-10
  Scenario: The sender reports an untrusted peer and the tenant's logs are empty
    Given a sender "warehouse" that is let in
    When "warehouse" calls trusting another CA
    Then the call is refused at the sender because of "server-not-trusted"
    And the access log has no line of the call
    And the trace shows nothing
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-trace
  @FLD-11
  Scenario: The trace file that is looked for does not exist, since nothing went wrong
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
    And there is no trace file

  @needs-access-log @needs-good-sender @needs-nodes
  @FLD-11
  Scenario: The call stands in the other node's file
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    When "warehouse" calls 2 times
    Then the 2 calls are answered by 2 runtime nodes
    And the line stands in the file of the node that answered and in no other

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @FLD-12
  Scenario: The ping says 405 and the messages go through
    Given a channel "/cxf/stock"
    And a sender "warehouse" that is let in at "/cxf/stock"
    When "warehouse" calls "/cxf/stock" with the method "HEAD"
    Then the response status is 405
    And the call is refused at the endpoint because of "method-not-allowed"
    When "warehouse" calls "/cxf/stock"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @FLD-13
  Scenario Outline: 404: <why>
    Given a channel "/cxf/stock"
    And a sender "warehouse" that is let in at "<right>"
    When "warehouse" calls "<wrong>"
    Then the response status is 404
    And the call is refused at the endpoint because of "nothing-deployed"
    When "warehouse" calls "<right>"
    Then the call is let in as "WAREHOUSE"

    Examples:
      | why                             | wrong      | right        |
      | the path lacks /http            | /orders    | /http/orders |
      | the path has another case       | /cxf/Stock | /cxf/stock   |
      | the path has the other's prefix | /cxf/orders | /http/orders |

  @needs-access-log @needs-good-sender @needs-landscape
  @FLD-19
  Scenario: A bulk update that is wrong half-way leaves the mappings as they were
    Given a sender "warehouse" that is let in
    Then a change of many mappings of which the last one is wrong is refused with "one certificate maps to one user"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
