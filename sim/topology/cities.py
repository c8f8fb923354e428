"""The larger cities of the world: latitude and longitude in degrees, by the name files use."""

from __future__ import annotations

_TABLE = """
# Europe
amsterdam 52.37 4.90; antwerp 51.22 4.40; athens 37.98 23.73; barcelona 41.39 2.17
belgrade 44.79 20.45; berlin 52.52 13.40; birmingham 52.48 -1.90; bratislava 48.15 17.11
brussels 50.85 4.35; bucharest 44.43 26.10; budapest 47.50 19.04; cologne 50.94 6.96
copenhagen 55.68 12.57; dublin 53.35 -6.26; edinburgh 55.95 -3.19; frankfurt 50.11 8.68
geneva 46.20 6.14; glasgow 55.86 -4.25; gothenburg 57.71 11.97; hamburg 53.55 9.99
helsinki 60.17 24.94; istanbul 41.01 28.98; kharkiv 49.99 36.23; krakow 50.06 19.94
kyiv 50.45 30.52; leeds 53.80 -1.55; lisbon 38.72 -9.14; london 51.51 -0.13
lyon 45.76 4.84; luxembourg 49.61 6.13; madrid 40.42 -3.70; manchester 53.48 -2.24
marseille 43.30 5.37; milan 45.46 9.19; minsk 53.90 27.57; moscow 55.76 37.62
munich 48.14 11.58; naples 40.85 14.27; oslo 59.91 10.75; paris 48.86 2.35
porto 41.15 -8.61; prague 50.08 14.44; reykjavik 64.15 -21.94; riga 56.95 24.11
rome 41.90 12.50; rotterdam 51.92 4.48; saint-petersburg 59.93 30.34; sofia 42.70 23.32
stockholm 59.33 18.07; tallinn 59.44 24.75; turin 45.07 7.69; valencia 39.47 -0.38
vienna 48.21 16.37; vilnius 54.69 25.28; warsaw 52.23 21.01; zagreb 45.81 15.98
zurich 47.38 8.54
# North and Central America
ashburn 39.04 -77.49; atlanta 33.75 -84.39; austin 30.27 -97.74; baltimore 39.29 -76.61
boston 42.36 -71.06; calgary 51.05 -114.07; charlotte 35.23 -80.84; chicago 41.88 -87.63
cleveland 41.50 -81.69; dallas 32.78 -96.80; denver 39.74 -104.99; detroit 42.33 -83.05
edmonton 53.55 -113.49; guadalajara 20.67 -103.35; guatemala-city 14.63 -90.51
havana 23.11 -82.37; honolulu 21.31 -157.86; houston 29.76 -95.37; kansas-city 39.10 -94.58
las-vegas 36.17 -115.14; los-angeles 34.05 -118.24; mexico-city 19.43 -99.13
miami 25.76 -80.19; minneapolis 44.98 -93.27; monterrey 25.69 -100.32; montreal 45.50 -73.57
nashville 36.16 -86.78; new-orleans 29.95 -90.07; new-york 40.71 -74.01; ottawa 45.42 -75.70
panama-city 8.98 -79.52; philadelphia 39.95 -75.17; phoenix 33.45 -112.07
pittsburgh 40.44 -79.99; portland 45.52 -122.68; queretaro 20.59 -100.39
salt-lake-city 40.76 -111.89; san-antonio 29.42 -98.49; san-diego 32.72 -117.16
san-francisco 37.77 -122.42; san-jose 37.34 -121.89; san-juan 18.47 -66.11
santo-domingo 18.49 -69.93; seattle 47.61 -122.33; st-louis 38.63 -90.20; tampa 27.95 -82.46
toronto 43.65 -79.38; vancouver 49.28 -123.12; washington 38.91 -77.04
# South America
asuncion -25.26 -57.58; bogota 4.71 -74.07; brasilia -15.79 -47.88; buenos-aires -34.60 -58.38
caracas 10.48 -66.90; cordoba -31.42 -64.18; fortaleza -3.73 -38.53; guayaquil -2.19 -79.89
la-paz -16.49 -68.12; lima -12.05 -77.04; medellin 6.24 -75.58; montevideo -34.90 -56.16
porto-alegre -30.03 -51.23; quito -0.18 -78.47; recife -8.05 -34.88
rio-de-janeiro -22.91 -43.17; salvador -12.97 -38.50; santiago -33.45 -70.67
sao-paulo -23.55 -46.63
# Africa
abidjan 5.36 -4.01; abuja 9.06 7.49; accra 5.60 -0.19; addis-ababa 9.03 38.74
algiers 36.75 3.06; cairo 30.04 31.24; cape-town -33.92 18.42; casablanca 33.57 -7.59
dakar 14.72 -17.47; dar-es-salaam -6.79 39.21; durban -29.86 31.02
johannesburg -26.20 28.05; kampala 0.35 32.58; kigali -1.94 30.06; kinshasa -4.44 15.27
lagos 6.52 3.38; luanda -8.84 13.23; lusaka -15.39 28.32; nairobi -1.29 36.82
tunis 36.81 10.18
# Middle East and Asia
abu-dhabi 24.45 54.38; almaty 43.24 76.89; amman 31.95 35.93; baghdad 33.32 44.37
baku 40.41 49.87; bangkok 13.76 100.50; beijing 39.90 116.41; beirut 33.89 35.50
bengaluru 12.97 77.59; chengdu 30.57 104.07; chennai 13.08 80.27; colombo 6.93 79.86
delhi 28.70 77.10; dhaka 23.81 90.41; doha 25.29 51.53; dubai 25.20 55.27
guangzhou 23.13 113.26; hanoi 21.03 105.85; ho-chi-minh-city 10.82 106.63
hong-kong 22.32 114.17; hyderabad 17.39 78.49; islamabad 33.68 73.05; jakarta -6.21 106.85
jeddah 21.49 39.19; jerusalem 31.77 35.21; kabul 34.56 69.21; karachi 24.86 67.01
kathmandu 27.72 85.32; kolkata 22.57 88.36; kuala-lumpur 3.14 101.69
kuwait-city 29.38 47.99; lahore 31.52 74.36; manila 14.60 120.98; mumbai 19.08 72.88
muscat 23.59 58.41; nagoya 35.18 136.91; osaka 34.69 135.50; pune 18.52 73.86
riyadh 24.71 46.68; sapporo 43.06 141.35; seoul 37.57 126.98; shanghai 31.23 121.47
shenzhen 22.54 114.06; singapore 1.35 103.82; taipei 25.03 121.57; tashkent 41.30 69.24
tbilisi 41.72 44.83; tehran 35.69 51.39; tel-aviv 32.09 34.78; tokyo 35.68 139.69
wuhan 30.59 114.31; yangon 16.87 96.20
# Oceania
adelaide -34.93 138.60; auckland -36.85 174.76; brisbane -27.47 153.03
melbourne -37.81 144.96; perth -31.95 115.86; sydney -33.87 151.21; wellington -41.29 174.78
"""


def _entries() -> dict[str, tuple[float, float]]:
    cities = {}
    for line in _TABLE.strip().splitlines():
        if line.startswith("#"):
            continue
        for entry in line.split(";"):
            name, lat, lon = entry.split()
            cities[name] = (float(lat), float(lon))
    return cities


CITIES: dict[str, tuple[float, float]] = _entries()
