Feature: CSRF protection of HTTPS channels

  Background:
    Given a channel "/http/safe" that is CSRF-protected
    And a sender "warehouse" that is let in

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @CHN-12
  Scenario: A modifying request without a token gets 403
    When "warehouse" calls "/http/safe"
    Then the call is refused at the channel authorization because of "csrf-token-missing"
    And the response status is 403
    And the message is not processed
    And the access log shows the user "WAREHOUSE"

  @needs-access-log @needs-channels @needs-good-sender
  @CHN-12
  Scenario: A sender that fetches a token gets in
    Given "warehouse" fetches a CSRF token
    When "warehouse" calls "/http/safe"
    Then the call is let in as "WAREHOUSE"
    And the response statuses are 200, 200

  @needs-channels @needs-good-sender @needs-stations
  @CHN-12
  Scenario Outline: <method> with Fetch returns a token and does not process the message
    When "warehouse" calls "/http/safe" with the method "<method>" and with the header "X-CSRF-Token: Fetch"
    Then the response status is 200
    And the response has the header "X-CSRF-Token"
    And the message is not processed

    Examples:
      | method |
      | GET    |
      | HEAD   |

  @needs-channels @needs-good-sender @needs-stations
  @CHN-12
  Scenario: A token that was made up is not valid
    When "warehouse" calls "/http/safe" with the header "X-CSRF-Token: 0123456789abcdef0123456789abcdef"
    Then the call is refused at the channel authorization because of "csrf-token-missing"

  @needs-access-log @needs-channels @needs-good-sender
  @CHN-12
  Scenario: Reading needs no token
    When "warehouse" calls "/http/safe" with the method "GET"
    Then the call is let in as "WAREHOUSE"

  @needs-channels @needs-good-sender @needs-trace
  @CHN-13 @TRC-4
  Scenario: The 403 says that a token is required
    When "warehouse" calls "/http/safe"
    Then the response status is 403
    And the response header "X-CSRF-Token" is "Required"
    And the trace shows "CSRF"

  @needs-channels @needs-good-sender @needs-mint-trusted @needs-stations
  @CHN-12
  Scenario: Who may not send gets no token either
    Given a sender "shop"
    When "shop" calls "/http/safe" with the method "GET" and with the header "X-CSRF-Token: Fetch"
    Then the call is refused at the channel authorization because of "not-mapped"
