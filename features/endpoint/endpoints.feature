Feature: Endpoints

  @needs-access-log @needs-channels @needs-good-sender
  @EP-1
  Scenario Outline: A channel of the adapter <adapter> is reached at <address>
    Given a channel "<address>" of the adapter "<adapter>"
    And a sender "warehouse" that is let in at "<address>"
    When "warehouse" calls "<address>"
    Then the call is let in as "WAREHOUSE"
    And the response status is 200

    Examples:
      | adapter   | address                |
      | HTTPS     | /http/returns          |
      | SOAP      | /cxf/stock             |
      | SOAPSAPRM | /cxf/stock/rm          |
      | IDoc      | /cxf/idoc              |
      | XI        | /cxf/xi                |
      | AS2       | /as2/as2/partner       |
      | AS2MDN    | /as2/mdn/partner       |
      | OData     | /gw/odata/SAP/STOCK    |

  @needs-landscape
  @EP-1
  Scenario Outline: An address needs the prefix of its adapter: <address> of <adapter>
    Given a landscape:
      """
      channels:
        - {address: <address>, adapter: <adapter>}
      """
    Then the landscape is refused with "channels[0]"

    Examples:
      | address      | adapter |
      | /cxf/orders  | HTTPS   |
      | /http/orders | SOAP    |
      | /orders      | HTTPS   |
      | /as2/orders  | AS2     |

  @needs-access-log @needs-good-sender
  @EP-2
  Scenario Outline: HTTPS addresses are case-insensitive: <path>
    Given a sender "warehouse" that is let in
    When "warehouse" calls "<path>"
    Then the call is let in as "WAREHOUSE"

    Examples:
      | path         |
      | /http/orders |
      | /http/ORDERS |
      | /http/Orders |

  @needs-access-log @needs-channels @needs-good-sender
  @EP-3
  Scenario Outline: An address that ends in /* serves <path>
    Given a channel "/http/depot/*"
    And a sender "warehouse" that is let in
    When "warehouse" calls "<path>"
    Then the call is let in as "WAREHOUSE"

    Examples:
      | path                |
      | /http/depot/north   |
      | /http/depot/a/b/c   |
      | /http/depot/a?x=y   |

  @needs-channels @needs-good-sender @needs-stations
  @EP-3
  Scenario Outline: It does not serve <path>
    Given a channel "/http/depot/*"
    And a sender "warehouse" that is let in
    When "warehouse" calls "<path>"
    Then the call is refused at the endpoint because of "nothing-deployed"
    And the response status is 404

    Examples:
      | path               |
      | /http/depots/north |
      | /http/other        |

  @needs-good-sender @needs-stations
  @EP-3
  Scenario: An address without /* serves nothing below it
    Given a sender "warehouse" that is let in
    When "warehouse" calls "/http/orders/north"
    Then the call is refused at the endpoint because of "nothing-deployed"

  @needs-channels @needs-good-sender @needs-stations
  @EP-4
  Scenario: Addresses under /cxf are case-sensitive
    Given a channel "/cxf/stock"
    And a sender "warehouse" that is let in at "/cxf/stock"
    When "warehouse" calls "/cxf/STOCK"
    Then the call is refused at the endpoint because of "nothing-deployed"
    And the response status is 404

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @EP-5
  Scenario: Under /cxf the longest prefix serves the call
    Given a channel "/cxf/stock"
    And a channel "/cxf/stock/north" that demands the role "North.send"
    And a sender "warehouse" that is let in at "/cxf/stock"
    When "warehouse" calls "/cxf/stock/south/one"
    Then the call is let in as "WAREHOUSE"
    When "warehouse" calls "/cxf/stock/north/one"
    Then the call is refused at the channel authorization because of "role-missing"

  @needs-channels @needs-good-sender @needs-stations
  @EP-5
  Scenario: A prefix counts by whole segments
    Given a channel "/cxf/stock"
    And a sender "warehouse" that is let in at "/cxf/stock"
    When "warehouse" calls "/cxf/stocks"
    Then the call is refused at the endpoint because of "nothing-deployed"

  @needs-access-log @needs-good-sender @needs-stations
  @EP-6
  Scenario Outline: Nothing is deployed at <path>
    Given a sender "warehouse" that is let in
    When "warehouse" calls "<path>"
    Then the call is refused at the endpoint because of "nothing-deployed"
    And the response status is 404
    And the access log shows the user "WAREHOUSE"

    Examples:
      | path                |
      | /http/nothing-here  |
      | /orders             |
      | /                   |
      | /gw/odata/none      |

  @needs-good-sender
  @EP-7
  Scenario: A 404 under /cxf says that no service was found
    Given a sender "warehouse" that is let in
    When "warehouse" calls "/cxf/nothing-here"
    Then the response status is 404
    And the response header "Content-Type" contains "text/html"
    And the response body contains "<html><body>No service was found.</body></html>"

  @needs-access-log @needs-channels @needs-good-sender @needs-stations
  @EP-8
  Scenario Outline: HEAD on a channel of the adapter <adapter> gets 405, and messages go through
    Given a channel "/cxf/stock" of the adapter "<adapter>"
    And a sender "warehouse" that is let in at "/cxf/stock"
    When "warehouse" calls "/cxf/stock" with the method "HEAD"
    Then the response status is 405
    And the call is refused at the endpoint because of "method-not-allowed"
    And the access log shows the user "WAREHOUSE"
    When "warehouse" calls "/cxf/stock"
    Then the call is let in as "WAREHOUSE"

    Examples:
      | adapter |
      | SOAP    |
      | IDoc    |

  @needs-landscape
  @EP-9
  Scenario Outline: An address that exists already is refused: <first> and <second>
    Given a landscape:
      """
      channels:
        - {address: <first>}
        - {address: <second>}
      """
    Then the landscape is refused with "channels[1]"

    Examples:
      | first         | second           |
      | /http/orders  | /http/orders     |
      | /http/orders  | /http/ORDERS     |
      | /http/depot/* | /http/depot/north |
      | /cxf/stock    | /cxf/stock       |

  @needs-landscape
  @EP-9
  Scenario: Addresses that differ are accepted
    Given a landscape:
      """
      channels:
        - {address: /http/orders}
        - {address: /http/returns}
        - {address: /cxf/stock}
        - {address: /cxf/STOCK}
        - {address: /cxf/stock/north}
      """
    Then the landscape is accepted

  @needs-access-log @needs-channels @needs-clock @needs-good-sender @needs-stations
  @EP-10
  Scenario: A flow that is being redeployed does not serve calls
    Given a sender "warehouse" that is let in
    When the flow of "/http/orders" is deployed with a downtime of 30 seconds
    And "warehouse" calls
    Then the call is refused at the endpoint because of "flow-restarting"
    And the response status is 503
    And the access log shows the user "WAREHOUSE"
    When 31 seconds pass
    And "warehouse" calls
    Then the call is let in as "WAREHOUSE"

  @needs-landscape
  @EP-11
  Scenario Outline: The address <address> is refused
    Given a landscape:
      """
      channels:
        - {address: "<address>"}
      """
    Then the landscape is refused with "channels[0].address"

    Examples:
      | address          |
      | http/orders      |
      | /http/or ders    |
      | /http/orders?x=1 |
      | /http/a/*/b      |
      | /http/ä          |
      | /http/orders*    |

  @needs-access-log @needs-channels @needs-good-sender
  @EP-11
  Scenario: Letters, digits and _ ~ - . $ are accepted
    Given a channel "/http/a_b~c-d.e$f/9"
    And a sender "warehouse" that is let in at "/http/a_b~c-d.e$f/9"
    When "warehouse" calls "/http/a_b~c-d.e$f/9"
    Then the call is let in as "WAREHOUSE"
