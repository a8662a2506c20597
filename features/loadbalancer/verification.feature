Feature: Verification of the sender's chain
  The load balancer holds root certificates only. What it does not accept it does not pass on; the
  runtime node learns the subject DN and OpenSSL's verify result.

  @needs-access-log @needs-good-sender @needs-stations @needs-trace
  @LB-3 @TRC-1
  Scenario: A sender that leaves out its intermediate certificate is not recognised
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then the call is refused at the load balancer with verify result 20
    And the verify result is 20 at depth 0
    And the response status is 401
    And the access log shows neither certificate nor user
    And the trace shows "OpenSSL verify result code: 20"

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations @needs-trace
  @LB-4
  Scenario: A self-signed certificate is not accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "self-signed"
    Then the call is refused at the load balancer with verify result 18
    And the response status is 401
    And the access log shows neither certificate nor user
    And the trace shows "OpenSSL verify result code: 18"

  @needs-good-sender @needs-mappings @needs-stations
  @LB-5
  Scenario: A certificate of an unknown CA is not accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate of an unknown CA
    Then the call is refused at the load balancer with verify result 20
    And the verify result is 20 at depth 1
    And the response status is 401

  @needs-good-sender @needs-mappings @needs-stations
  @LB-5
  Scenario: Sending the unknown root does not help
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate of an unknown CA with its root certificate too
    Then the call is refused at the load balancer with verify result 19
    And the verify result is 19 at depth 2
    And the response status is 401

  @needs-custom-trust @needs-good-sender @needs-stations
  @LB-5
  Scenario: A CA that left the list is unknown from then on
    Given a sender "warehouse" that is let in
    And the load balancer does not trust the CA of the senders
    When "warehouse" calls
    Then the call is refused at the load balancer with verify result 20
    And the response status is 401

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations @needs-trace
  @LB-6
  Scenario Outline: A chain with the defect <defect> is not accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "<defect>"
    Then the call is refused at the load balancer with verify result <result>
    And the verify result is <result> at depth <depth>
    And the response status is 401
    And the access log shows the user "-"
    And the trace shows "OpenSSL verify result code: <result>"

    Examples:
      | defect               | result | depth |
      | expired              | 10     | 0     |
      | not-yet-valid        | 9      | 0     |
      | intermediate-expired | 10     | 1     |
      | root-expired         | 10     | 2     |

  @needs-clock @needs-good-sender @needs-stations
  @LB-6
  Scenario: A certificate expires while time passes
    Given a sender "warehouse" that is let in
    When 400 days pass
    And "warehouse" calls
    Then the call is refused at the load balancer with verify result 10
    And the response status is 401

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @LB-7
  Scenario Outline: A certificate with the defect <defect> is not accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "<defect>"
    Then the call is refused at the load balancer with verify result 26
    And the response status is 401
    And the access log shows neither certificate nor user

    Examples:
      | defect         |
      | no-client-auth |
      | server-only    |
      | any-eku-only   |

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @LB-11
  Scenario Outline: A chain with the defect <defect> does not hold
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "<defect>"
    Then the call is refused at the load balancer with verify result <result>
    And the verify result is <result> at depth <depth>
    And the response status is 401

    Examples:
      | defect                     | result | depth |
      | wrong-signer               | 7      | 0     |
      | broken-signature           | 7      | 0     |
      | issuer-not-ca              | 79     | 1     |
      | no-basic-constraints       | 79     | 1     |
      | unknown-critical-extension | 34     | 0     |
      | sha1                       | 68     | 0     |

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @LB-11 @slow
  Scenario: A key that is too small is not accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "rsa-1024"
    Then the call is refused at the load balancer with verify result 66
    And the response status is 401

  @needs-good-sender @needs-landscape @needs-stations @needs-trace
  @LB-16
  Scenario Outline: The <which> error is the verify result if the load balancer reports it
    Given the load balancer reports the <which> error
    And a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then the call is refused at the load balancer with verify result <result>
    And the trace shows "OpenSSL verify result code: <result>"

    Examples:
      | which | result |
      | first | 20     |
      | last  | 21     |

  @needs-good-sender @needs-stations
  @LB-16
  Scenario: Unless said otherwise it is the first
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates
    Then the call is refused at the load balancer with verify result 20

  @needs-access-log @needs-good-sender @needs-stations
  @LB-22
  Scenario Outline: A chain <how> is accepted
    Given a sender "warehouse" that is let in
    When "warehouse" calls <how>
    Then the load balancer accepts the certificate
    And the call is let in as "WAREHOUSE"

    Examples:
      | how                                       |
      | with its root certificate too             |
      | with its chain in the wrong order         |
      | with its chain twice                      |
      | with an unrelated certificate in its chain |
