Feature: What the load balancer passes on

  @needs-echo @needs-good-sender
  @LB-8 @FLW-4
  Scenario: An accepted certificate is passed on as a whole
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the method "GET"
    Then the flow sees the certificate of "warehouse"
    And the flow sees the header "SSL_CLIENT_USER"

  @needs-access-log @needs-good-sender @needs-stations
  @LB-9
  Scenario Outline: A certificate that a sender writes into the header <header> lets nobody in
    Given a sender "warehouse" that is let in
    And a sender "stranger" without a certificate
    When "stranger" calls with the certificate of "warehouse" in the header "<header>"
    Then the call is refused at the runtime node because of "no-identity"
    And the response status is 401
    And the access log shows the user "-"

    Examples:
      | header          |
      | SSL_CLIENT_CERT |
      | ssl_client_cert |
      | SSL-Client-Cert |
      | Ssl_Client-Cert |

  @needs-access-log @needs-echo @needs-good-sender
  @LB-9
  Scenario: A sender's own certificate goes before one that it writes into the header
    Given a sender "warehouse" that is let in
    And a sender "shop" that is let in
    When "shop" calls with the method "GET" and with the certificate of "warehouse" in the header "SSL_CLIENT_CERT"
    Then the call is let in as "SHOP"
    And the flow sees the certificate of "shop"

  @needs-good-sender @needs-stations
  @LB-9
  Scenario: A refused certificate cannot be replaced by a header
    Given a sender "warehouse" that is let in
    When "warehouse" calls without its intermediate certificates and with the certificate of "warehouse" in the header "SSL_CLIENT_CERT"
    Then the call is refused at the load balancer with verify result 20
    And the response status is 401

  @needs-access-log @needs-echo @needs-good-sender
  @LB-9
  Scenario Outline: The header <header> of a sender does not reach the flow
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the method "GET" and with the header "<header>: spoofed" and with the header "X-Order: 1"
    Then the call is let in as "WAREHOUSE"
    And the flow sees the header "X-Order"
    And the flow does not see the header "<header>"

    Examples:
      | header                   |
      | SSL_CLIENT_VERIFY_RESULT |
      | SSL_CLIENT_SUBJECT       |
      | Forwarded                |
      | X-Real-IP                |

  @needs-access-log @needs-good-sender
  @LB-9 @LB-12
  Scenario: A sender cannot choose the address that is logged
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the header "X-Forwarded-For: 192.0.2.77"
    Then the call is let in as "WAREHOUSE"
    And the access log shows the sender's address beside the load balancer's

  @needs-access-log @needs-good-sender
  @LB-12
  Scenario: The sender's address is passed on
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the access log shows the sender's address beside the load balancer's

  @needs-access-log @needs-echo @needs-good-sender @needs-roles @needs-trace @needs-users
  @LB-10 @TRC-1
  Scenario: Of a refused certificate the node learns subject and verify result, and the flow nothing
    Given a sender "warehouse" that is let in
    And the identity provider has the user "erika" with the password "opensesame"
    And the user "erika" has the role "ESBMessaging.send"
    When "warehouse" calls with the method "GET" and without its intermediate certificates and as "erika" with the password "opensesame"
    Then the call is let in as "erika"
    And the flow does not see the header "SSL_CLIENT_CERT"
    And the trace shows the subject DN "C=DE, ST=Bavaria, L=Munich, O=Example, CN=warehouse.example"
    And the trace shows "OpenSSL verify result code: 20"
