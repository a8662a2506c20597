Feature: What the runtime node of any tenant answers to those it does not know
  Nothing is needed of the target but its URL.

  @AUT-10
  Scenario: A call without identity gets 401 with an empty body
    Given a sender "stranger" without a certificate
    When "stranger" calls
    Then the response status is 401
    And the response body is empty

  @AUT-11
  Scenario: A 401 asks anybody for user and password
    Given a sender "stranger" without a certificate
    When "stranger" calls
    Then the response status is 401
    And the response header "WWW-Authenticate" contains "Basic"

  @AUT-12
  Scenario Outline: Who is not known gets 401 for any path: <path>
    Given a sender "stranger" without a certificate
    When "stranger" calls "<path>" with the method "<method>"
    Then the response status is 401

    Examples:
      | path                      | method |
      | /http/nothing-here-at-all | POST   |
      | /cxf/nothing-here-at-all  | GET    |
      | /nothing-here-at-all      | GET    |

  @AUT-6
  Scenario: An unknown user is not let in
    Given a sender "stranger" without a certificate
    When "stranger" calls as "nobody-has-this-name" with the password "opensesame"
    Then the response status is 401

  @AUT-9
  Scenario: A token that nobody issued lets nobody in
    Given a sender "stranger" without a certificate
    When "stranger" calls with the token "nonsense"
    Then the response status is 401
