Feature: The HTTP access log

  @needs-access-log @needs-good-sender @needs-nodes
  @LOG-1
  Scenario: A call leaves one line in the file of its node
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    When "warehouse" calls
    Then the access log shows "POST /http/orders HTTP/1.1 200"
    And the line stands in the file of the node that answered and in no other

  @needs-access-log @needs-good-sender
  @LOG-1
  Scenario: The query of the call stands in the line
    Given a sender "warehouse" that is let in
    When "warehouse" calls "/http/orders?id=4711&x=%20"
    Then the access log shows "POST /http/orders?id=4711&x=%20 HTTP/1.1 200"

  @needs-access-log @needs-clock @needs-good-sender
  @LOG-1
  Scenario: A new day begins a new file
    Given it is "2026-11-23T23:59:00Z"
    And a sender "warehouse" that is let in
    When "warehouse" calls
    Then the access log of the day "2026-11-23" has 2 lines
    When 2 minutes pass
    And "warehouse" calls
    Then the access log of the day "2026-11-24" has 1 line
    And the access log of the day "2026-11-23" has 2 lines

  @needs-access-log @needs-clock @needs-good-sender
  @LOG-10
  Scenario: Log files are kept for 7 days
    Given it is "2026-11-01T12:00:00Z"
    And a sender "warehouse" that is let in
    When 6 days pass
    And "warehouse" calls
    Then the access log of the day "2026-11-01" has 1 line
    When 3 days pass
    And "warehouse" calls
    Then the access log of the day "2026-11-01" has 0 lines
    And the access log of the day "2026-11-07" has 1 line

  @needs-access-log @needs-good-sender
  @LOG-3
  Scenario Outline: Every 401 has user - and 5 bytes: <why>
    Given a sender "warehouse" that is let in
    When "warehouse" calls <way>
    Then the access log shows the status 401
    And the access log shows the user "-"
    And the access log shows 5 bytes

    Examples:
      | why                      | way                                                |
      | no certificate           | without a certificate                              |
      | certificate not accepted | without its intermediate certificates              |
      | unknown user             | without a certificate and as "x" with the password "y" |

  @needs-access-log @needs-channels @needs-good-sender
  @LOG-4
  Scenario: A one-way 202 has no bytes
    Given a channel "/http/flow" whose flow answers "oneWay"
    And a sender "warehouse" that is let in
    When "warehouse" calls "/http/flow"
    Then the response status is 202
    And the access log shows - bytes

  @needs-access-log @needs-roles @needs-users
  @LOG-5
  Scenario: Waiting for the challenge leaves two lines
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "erika" with the password "opensesame" and waiting for the challenge
    Then the response statuses are 401, 200
    And the access log has 2 lines of the call, with the users "-, erika"

  @needs-access-log @needs-roles @needs-users
  @LOG-5
  Scenario: Not waiting for it leaves one
    Given a sender "stranger" without a certificate
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "stranger" calls as "erika" with the password "opensesame"
    Then the access log has 1 line of the call, with the users "erika"

  @needs-access-log @needs-good-sender
  @LOG-6
  Scenario: Without an SAP passport the last column is -
    Given a sender "warehouse" that is let in
    When "warehouse" calls without an SAP passport
    Then the access log shows ":443 -"

  @needs-access-log @needs-good-sender
  @LOG-6
  Scenario: With one it holds root context id, transaction id and connection id
    Given a sender "warehouse" that is let in
    When "warehouse" calls with an SAP passport
    Then the access log shows ":443 [A0A1A2A3A4A5A6A7A8A9AAABACADAEAF/00505684ABCD1ED7A5F2C3D4E5F60718/1/000102030405060708090A0B0C0D0E0F]"

  @needs-access-log @needs-good-sender
  @LOG-6
  Scenario: A passport that cannot be read counts as none
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the header "sap-passport: 2A54482A00"
    Then the call is let in as "WAREHOUSE"
    And the access log shows ":443 -"

  @needs-access-log @needs-nodes
  @LOG-7
  Scenario: The management node calls each runtime node
    Given a tenant with 2 runtime nodes
    When the management node calls the runtime nodes
    Then every runtime node has a line with the status 200 for "GET /cxf/index.html"
    And every line of the management node has its own host as user and 162 bytes

  @needs-access-log @needs-good-sender
  @LOG-8
  Scenario: A call that ends in the handshake leaves no line
    Given a sender "warehouse" that is let in
    When "warehouse" calls trusting nothing
    Then there is no HTTP answer
    And the access log has no line of the call

  @needs-access-log @needs-good-sender @needs-nodes
  @LOG-9
  Scenario: Each node's file holds its own calls only
    Given a tenant with 3 runtime nodes
    And a sender "warehouse" that is let in
    When "warehouse" calls 6 times
    Then the 6 calls are answered by 3 runtime nodes
    And the line stands in the file of the node that answered and in no other
