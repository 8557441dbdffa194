"""Parse, validate, query and transform XML."""

from lxml import etree, html

doc = etree.fromstring(b"<shelf><book price='3'>b</book><book price='2'>a</book></shelf>")
assert doc.xpath("sum(//book/@price)") == 5.0

sheet = etree.XSLT(etree.XML(b"""
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:math="http://exslt.org/math">
  <xsl:output method="text"/>
  <xsl:template match="/shelf">
    <xsl:for-each select="book"><xsl:sort select="."/><xsl:value-of select="."/></xsl:for-each>
    <xsl:text>=</xsl:text><xsl:value-of select="math:max(book/@price)"/>
  </xsl:template>
</xsl:stylesheet>"""))
assert str(sheet(doc)) == "ab=3", str(sheet(doc))

schema = etree.RelaxNG(etree.XML(b"""
<element name="shelf" xmlns="http://relaxng.org/ns/structure/1.0"><zeroOrMore>
  <element name="book"><attribute name="price"/><text/></element>
</zeroOrMore></element>"""))
assert schema.validate(doc)
assert html.fromstring("<p>one<br>two").text_content() == "onetwo"
try:
    etree.fromstring(b"<open>")
except etree.XMLSyntaxError:
    pass
else:
    raise AssertionError("a broken document was parsed")
