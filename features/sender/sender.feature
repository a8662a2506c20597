Feature: The sender
  A sender trusts the load balancer, owns a key pair of a supported CA and sends its whole chain.

  @needs-access-log @needs-good-sender
  @SND-1
  Scenario: A sender with a trusted certificate and its whole chain gets in
    Given a sender "warehouse" that is let in
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"
    And the response status is 200
    And the access log shows the user "WAREHOUSE"

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles
  @SND-1
  Scenario Outline: A sender gets in with a key of type <type>
    Given a sender "warehouse" with a key of type "<type>"
    And the certificate of "warehouse" is mapped to the user "WAREHOUSE"
    And the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

    Examples:
      | type    |
      | P-256   |
      | P-384   |
      | P-521   |
      | Ed25519 |

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles
  @SND-1 @slow
  Scenario Outline: A sender gets in with a key of type <type>
    Given a sender "warehouse" with a key of type "<type>"
    And the certificate of "warehouse" is mapped to the user "WAREHOUSE"
    And the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

    Examples:
      | type     |
      | RSA-2048 |
      | RSA-3072 |

  @needs-access-log @needs-good-sender @needs-stations @needs-trace
  @SND-2
  Scenario Outline: A sender that trusts <what> ends the handshake
    Given a sender "warehouse" that is let in
    When "warehouse" calls <way>
    Then the call is refused at the sender because of "server-not-trusted"
    And the sender ends the connection with the alert "bad_certificate"
    And there is no HTTP answer
    And the access log has no line of the call
    And the trace shows nothing

    Examples:
      | what       | way                 |
      | another CA | trusting another CA |
      | nothing    | trusting nothing    |

  @needs-access-log @needs-good-sender @needs-stations
  @SND-3
  Scenario: A sender that signs with another key is refused in the handshake
    Given a sender "warehouse" that is let in
    When "warehouse" calls with the private key of another certificate
    Then the call is refused at the sender because of "key-does-not-fit"
    And the load balancer ends the connection with the alert "decrypt_error"
    And the access log has no line of the call

  @needs-good-sender @needs-stations
  @SND-3
  Scenario: A sender that has only the public part cannot send its certificate
    Given a sender "warehouse" that is let in
    When "warehouse" calls with only the public part of its key pair
    Then no certificate is sent
    And the call is refused at the runtime node because of "no-identity"
    And the response status is 401

  @needs-access-log @needs-mappings @needs-mint-trusted @needs-roles
  @SND-4
  Scenario Outline: The common name can be any value: <cn>
    Given a sender "warehouse" with the subject "CN=<cn>, O=Example, C=DE"
    And the certificate of "warehouse" is mapped to the user "WAREHOUSE"
    And the user "WAREHOUSE" has the role "ESBMessaging.send"
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

    Examples:
      | cn                        |
      | warehouse                 |
      | any name at all           |
      | *.example                 |
      | Größe & Gewicht           |
      | 1234567890                |
      | e100999@hana.ondemand.com |

  @needs-access-log @needs-good-sender @needs-mappings @needs-mint-trusted @needs-stations
  @SND-5
  Scenario: A common name that ends in a space is not allowed
    Given a sender "warehouse" that is let in
    When "warehouse" calls with a certificate that has the defect "trailing-space-cn"
    Then the load balancer accepts the certificate
    And the call is refused at the runtime node because of "trailing-space-in-cn"
    And the response status is 401
    And the access log shows the user "-"

  @needs-access-log @needs-good-sender
  @SND-6
  Scenario: A sender that waits for its issuer to be named sends its certificate to a load balancer that names its root
    Given a sender "warehouse" that is let in
    And "warehouse" offers its certificate only if its issuer is named
    When "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-custom-trust @needs-good-sender @needs-stations @needs-trace
  @SND-6
  Scenario: It sends none to a load balancer that names other CAs only
    Given a sender "warehouse" that is let in
    And "warehouse" offers its certificate only if its issuer is named
    And the load balancer does not trust the CA of the senders
    When "warehouse" calls
    Then no certificate is sent
    And the call is refused at the runtime node because of "no-identity"
    And the trace shows nothing
