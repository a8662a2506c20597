Feature: Custom domains

  @needs-access-log @needs-domains @needs-good-sender
  @DOM-1
  Scenario: In mode request a certificate is asked for and used
    Given a custom domain "orders.example" in mode "request"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example"
    Then the call is let in as "WAREHOUSE"

  @needs-domains @needs-good-sender @needs-stations
  @DOM-1
  Scenario: In mode request the domain does not insist
    Given a custom domain "orders.example" in mode "request"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example" and without a certificate
    Then no certificate is sent
    And the call is refused at the runtime node because of "no-identity"
    And the response status is 401

  @needs-access-log @needs-domains @needs-good-sender
  @DOM-2
  Scenario: In mode require a valid certificate gets in
    Given a custom domain "orders.example" in mode "require"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example"
    Then the call is let in as "WAREHOUSE"

  @needs-access-log @needs-domains @needs-good-sender @needs-stations
  @DOM-2 @LOG-8
  Scenario: In mode require a call without certificate ends in the handshake
    Given a custom domain "orders.example" in mode "require"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example" and without a certificate
    Then the call is refused at the load balancer because of "certificate-required"
    And the load balancer ends the connection with the alert "certificate_required"
    And there is no HTTP answer
    And the access log has no line of the call

  @needs-domains @needs-good-sender
  @DOM-2
  Scenario: So it does with TLS 1.2
    Given a custom domain "orders.example" in mode "require"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example" and without a certificate and with TLS 1.2
    Then the load balancer ends the connection with the alert "handshake_failure"
    And there is no HTTP answer

  @needs-access-log @needs-domains @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations @needs-trace
  @DOM-2
  Scenario Outline: In mode require a certificate <which> ends the handshake
    Given a custom domain "orders.example" in mode "require"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example" and <way>
    Then the call is refused at the load balancer because of "certificate-required"
    And the load balancer ends the connection with the alert "bad_certificate"
    And there is no HTTP answer
    And the access log has no line of the call
    And the trace shows nothing

    Examples:
      | which             | way                                                 |
      | without its chain | without its intermediate certificates               |
      | that has expired  | with a certificate that has the defect "expired"     |
      | for servers only  | with a certificate that has the defect "server-only" |
      | self-signed       | with a certificate that has the defect "self-signed" |

  @needs-access-log @needs-domains @needs-good-sender @needs-stations @needs-trace
  @DOM-3
  Scenario: In mode none no certificate is asked for
    Given a custom domain "orders.example" in mode "none"
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example"
    Then no certificate is asked for
    And the response status is 401
    And the call is refused at the runtime node because of "no-identity"
    And the access log shows the user "-"
    And the trace shows nothing

  @needs-access-log @needs-domains @needs-good-sender @needs-roles @needs-users
  @DOM-3
  Scenario: In mode none user and password still serve
    Given a custom domain "orders.example" in mode "none"
    And a sender "warehouse" that is let in
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "warehouse" calls to the host "orders.example" and as "erika" with the password "opensesame"
    Then the call is let in as "erika"

  @needs-access-log @needs-domains @needs-good-sender @needs-stations
  @DOM-4
  Scenario: A certificate of a CA that the domain's bundle does not hold is not accepted there
    Given a custom domain "orders.example" in mode "request" with another CA bundle
    And a sender "warehouse" that is let in
    When "warehouse" calls to the host "orders.example"
    Then the call is refused at the load balancer with verify result 20
    And the response status is 401
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-landscape
  @DOM-5
  Scenario: A bundle of 150 certificates is accepted, one of 151 is not
    Given a landscape:
      """
      pki:
        - {name: root, ca: true}
      loadBalancer:
        domains:
          - host: orders.example
            trust: [root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root]
      """
    Then the landscape is accepted
    Given a landscape:
      """
      pki:
        - {name: root, ca: true}
      loadBalancer:
        domains:
          - host: orders.example
            trust: [root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root,root]
      """
    Then the landscape is refused with "expected at most 150"
