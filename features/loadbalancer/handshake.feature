Feature: The TLS handshake with the load balancer

  @needs-good-sender @needs-stations
  @LB-1
  Scenario: A sender without a certificate completes the handshake and gets an HTTP answer
    Given a sender "warehouse" that is let in
    And a sender "stranger" without a certificate
    When "stranger" calls
    Then no certificate is sent
    And the response status is 401
    And the call is refused at the runtime node because of "no-identity"

  @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @LB-1
  Scenario: A certificate that is not accepted does not end the handshake
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "expired"
    Then the response status is 401
    And the call is refused at the load balancer with verify result 10

  @needs-custom-trust @needs-good-sender
  @LB-2
  Scenario: The load balancer names its root certificates and nothing else
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the load balancer names the CA "C=DE, O=Example, CN=Example Root CA" and no other

  @needs-access-log @needs-good-sender
  @LB-17
  Scenario Outline: <version> is offered
    Given a sender "warehouse" that is let in
    When "warehouse" calls with <version>
    Then the call is let in as "WAREHOUSE"
    And the connection uses <version>

    Examples:
      | version |
      | TLS 1.2 |
      | TLS 1.3 |

  @needs-access-log @needs-good-sender
  @LB-17
  Scenario Outline: <version> is refused
    Given a sender "warehouse" that is let in
    When "warehouse" calls with <version>
    Then the load balancer ends the connection with the alert "protocol_version"
    And there is no HTTP answer
    And the access log has no line of the call

    Examples:
      | version |
      | TLS 1.0 |
      | TLS 1.1 |

  @needs-access-log @needs-good-sender
  @LB-21
  Scenario Outline: Possession of the private key must be proved with <version>
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the private key of another certificate and with <version>
    Then the load balancer ends the connection with the alert "decrypt_error"
    And there is no HTTP answer
    And the access log has no line of the call

    Examples:
      | version |
      | TLS 1.2 |
      | TLS 1.3 |

  @needs-good-sender
  @LB-21
  Scenario: The key is that of the first certificate
    Given a sender "warehouse" that is let in
    When "warehouse" calls with its own certificate last
    Then the load balancer ends the connection with the alert "decrypt_error"
    And there is no HTTP answer

  @needs-access-log @needs-good-sender
  @LB-23
  Scenario Outline: A sender that names <server> gets the default host
    Given a sender "warehouse" that is let in
    When "warehouse" calls naming <server>
    Then the call is let in as "WAREHOUSE"
    And the access log shows "e100999-iflmap.hcisbt.eu1.hana.ondemand.com:443"

    Examples:
      | server                      |
      | no server                   |
      | the server "nobody.example" |

  @needs-access-log @needs-domains @needs-good-sender
  @LB-23
  Scenario: A custom domain is picked by its name
    Given a custom domain "orders.example" in mode "request"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example"
    Then the call is let in as "WAREHOUSE"
    And the access log shows "orders.example:443"

  @needs-access-log @needs-good-sender
  @LB-15
  Scenario: A resumed session keeps an accepted certificate
    Given a sender "warehouse" that is let in
    And "warehouse" resumes its TLS session
    When "warehouse" calls 2 times
    Then the TLS session is resumed
    And the call is let in as "WAREHOUSE"
    And the access log shows the user "WAREHOUSE"

  @needs-access-log @needs-good-sender
  @LB-15
  Scenario: A resumed session keeps its own certificate, whoever called in between
    Given a sender "warehouse" that is let in
    And a sender "shop" that is let in
    And "warehouse" resumes its TLS session
    When "warehouse" calls
    And "shop" calls
    And "warehouse" calls
    Then the TLS session is resumed
    And the call is let in as "WAREHOUSE"

  @needs-good-sender @needs-stations @needs-trace
  @LB-15
  Scenario: A resumed session keeps the refusal of a certificate
    Given a sender "warehouse" that is let in
    And "warehouse" resumes its TLS session
    When "warehouse" calls without its intermediate certificates and 2 times
    Then the TLS session is resumed
    And the call is refused at the load balancer with verify result 20
    And the trace shows "OpenSSL verify result code: 20"

  @needs-access-log @needs-good-sender
  @LB-15
  Scenario: A kept connection keeps the certificate for all its requests
    Given a sender "warehouse" that is let in
    And "warehouse" keeps its connection
    When "warehouse" calls 3 times
    Then all 3 calls are let in
    And the call is let in as "WAREHOUSE"
