Feature: Limits of the load balancer

  @needs-access-log @needs-good-sender @needs-limits @needs-stations
  @LB-18
  Scenario: A body that stalls is cancelled
    Given the load balancer waits 400 milliseconds for a stalled body
    And a sender "warehouse" that is let in
    When "warehouse" calls with a body that stalls
    Then the call is refused at the flow because of "body-stalled"
    And the response status is 408
    And the access log shows the status 408

  @needs-access-log @needs-good-sender @needs-limits @needs-stations
  @LB-18
  Scenario: A call has a time limit
    Given the load balancer waits 800 milliseconds for a call
    And a sender "warehouse" that is let in
    When "warehouse" calls with a body that stalls
    Then the call ends at the load balancer because of "request-timeout"
    And there is no HTTP answer
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-limits
  @LB-18
  Scenario: A body that keeps coming is not
    Given the load balancer waits 400 milliseconds for a stalled body
    And a sender "warehouse" that is let in
    When "warehouse" calls with a chunked body of 300000 bytes
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-good-sender @needs-limits @needs-stations
  @LB-19
  Scenario Outline: A connection that does <what> ends in "<reason>" and harms nobody
    Given the load balancer waits 400 milliseconds for a handshake
    And the load balancer waits 400 milliseconds for a header
    And a sender "warehouse" that is let in
    When a connection does "<what>"
    Then the call is refused at the load balancer because of "<reason>"
    And the access log has no line of the call
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

    Examples:
      | what           | reason            |
      | garbage        | not-tls           |
      | plain-http     | not-tls           |
      | half-handshake | handshake-timeout |
      | silent         | handshake-timeout |
      | slow-header    | request-timeout   |
      | huge-header    | header-too-large  |
