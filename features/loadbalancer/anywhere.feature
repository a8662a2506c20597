Feature: What the load balancer of any tenant does
  Nothing is needed of the target but its URL: no sender that is let in, no log, no configuration.

  @LB-1
  Scenario: A sender without a certificate gets an HTTP answer
    Given a sender "stranger" without a certificate
    When "stranger" calls
    Then no certificate is sent
    And the response status is 401

  @LB-1 @LB-5
  Scenario: A certificate that nobody trusts does not end the handshake, and lets nobody in
    Given a sender "intruder" with a certificate of a CA that nobody trusts
    When "intruder" calls
    Then the certificate is sent
    And the response status is 401

  @LB-5
  Scenario: Its root, sent along, does not help
    Given a sender "intruder" with a certificate of a CA that nobody trusts
    When "intruder" calls with its root certificate too
    Then the certificate is sent
    And the response status is 401

  @LB-4
  Scenario: A self-signed certificate lets nobody in
    Given a sender "intruder" with a certificate of a CA that nobody trusts and the defect "self-signed"
    When "intruder" calls
    Then the certificate is sent
    And the response status is 401

  @LB-6
  Scenario Outline: A certificate of an unknown CA with the defect <defect> lets nobody in
    Given a sender "intruder" with a certificate of a CA that nobody trusts and the defect "<defect>"
    When "intruder" calls
    Then the certificate is sent
    And the response status is 401

    Examples:
      | defect        |
      | expired       |
      | not-yet-valid |

  @LB-9
  Scenario Outline: A certificate in the header <header> lets nobody in who sends none
    Given a sender "intruder" with a certificate of a CA that nobody trusts
    And a sender "stranger" without a certificate
    When "stranger" calls with the certificate of "intruder" in the header "<header>"
    Then the response status is 401

    Examples:
      | header          |
      | SSL_CLIENT_CERT |
      | ssl_client_cert |
      | SSL-Client-Cert |
      | X-SSL-Client-Cert |

  @LB-17
  Scenario Outline: <version> is offered to anybody
    Given a sender "stranger" without a certificate
    When "stranger" calls with <version>
    Then the connection uses <version>
    And the response status is 401

    Examples:
      | version |
      | TLS 1.2 |
      | TLS 1.3 |

  @LB-17
  Scenario Outline: <version> is offered to nobody
    Given a sender "stranger" without a certificate
    When "stranger" calls with <version>
    Then there is no HTTP answer

    Examples:
      | version |
      | TLS 1.0 |
      | TLS 1.1 |

  @LB-21
  Scenario: Nobody uses a certificate without its private key
    Given a sender "intruder" with a certificate of a CA that nobody trusts
    When "intruder" calls with the private key of another certificate
    Then there is no HTTP answer

  @SND-2
  Scenario: A sender that trusts nothing ends the handshake
    Given a sender "stranger" without a certificate
    When "stranger" calls trusting nothing
    Then the sender ends the connection with the alert "bad_certificate"
    And there is no HTTP answer
