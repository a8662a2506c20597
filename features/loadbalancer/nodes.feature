Feature: Spreading calls over runtime nodes

  @needs-good-sender @needs-nodes
  @LB-13
  Scenario: With two nodes a client without cookies is spread over both
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    When "warehouse" calls 4 times
    Then the 4 calls are answered by 2 runtime nodes
    And all 4 calls are let in

  @needs-good-sender @needs-nodes
  @LB-13
  Scenario: With two nodes a cookie keeps a client on its node
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    And "warehouse" keeps its cookies
    When "warehouse" calls 4 times
    Then all 4 calls are answered by the same runtime node

  @needs-good-sender @needs-nodes
  @LB-13
  Scenario: The cookie is named after the host
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    When "warehouse" calls
    Then the response header "Set-Cookie" contains "BIGipServere100999-iflmap.hcisbt.eu1.hana.ondemand.com="

  @needs-good-sender @needs-nodes
  @LB-14
  Scenario: A client that URL-encodes the cookie is not kept on its node
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    And "warehouse" URL-encodes its cookies
    When "warehouse" calls 4 times
    Then the 4 calls are answered by 2 runtime nodes

  @needs-good-sender @needs-nodes
  @LB-20
  Scenario: A node that is down gets no calls
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    And runtime node 2 is down
    When "warehouse" calls 4 times
    Then all 4 calls are answered by the same runtime node
    And all 4 calls are let in

  @needs-good-sender @needs-nodes
  @LB-20
  Scenario: A client whose node goes down is served by another
    Given a tenant with 2 runtime nodes
    And a sender "warehouse" that is let in
    And "warehouse" keeps its cookies
    And "warehouse" calls
    When runtime node 1 is down
    And "warehouse" calls
    And runtime node 1 is up
    And runtime node 2 is down
    And "warehouse" calls
    Then all 3 calls are let in
    And the 3 calls are answered by 2 runtime nodes

  @needs-access-log @needs-good-sender @needs-nodes @needs-stations
  @LB-20
  Scenario: With no node left the load balancer answers itself
    Given a sender "warehouse" that is let in
    And runtime node 1 is down
    When "warehouse" calls
    Then the call is refused at the load balancer because of "no-node-available"
    And the response status is 503
    And the access log has no line of the call

  @needs-access-log @needs-good-sender @needs-nodes
  @LB-20
  Scenario: A node that comes back serves again
    Given a sender "warehouse" that is let in
    And runtime node 1 is down
    And "warehouse" calls
    When runtime node 1 is up
    And "warehouse" calls
    Then the call is let in as "WAREHOUSE"
